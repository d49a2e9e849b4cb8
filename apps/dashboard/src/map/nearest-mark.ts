import { acrossWorld, worldSizePixels, worldX, worldY, type Place } from '../city-state/mercator.js';

/** The index of the place nearest to `at` within a radius in pixels at a zoom; -1 if there is none. */
export function nearestMark(
  positions: Float64Array,
  pointer: { at: Place; zoom: number; radiusPixels: number },
): number {
  const size = worldSizePixels(pointer.zoom);
  const x = worldX(pointer.at.lng);
  const y = worldY(pointer.at.lat);
  let nearest = -1;
  let nearestDistance = pointer.radiusPixels ** 2;
  for (let index = 0; index < positions.length / 2; index++) {
    const acrossPixels = acrossWorld(worldX(positions[2 * index]!), x) * size;
    if (Math.abs(acrossPixels) > pointer.radiusPixels) continue;
    const downPixels = (worldY(positions[2 * index + 1]!) - y) * size;
    const distance = acrossPixels ** 2 + downPixels ** 2;
    // Later marks cover earlier ones, so of equal distances the later one is chosen.
    if (distance <= nearestDistance) {
      nearest = index;
      nearestDistance = distance;
    }
  }
  return nearest;
}
