import type { Viewport } from '@hailstream/events/live';

const DEGREES_AROUND = 360;

/** Whether a bounding box crosses ±180° longitude; its `west` is greater than its `east` then. */
export function spansAntimeridian({ west, east }: Viewport): boolean {
  return west > east;
}

/** A bounding box in MapLibre's form: `west` is never greater than `east`, which may be beyond 180°. */
export function boundsOf(bbox: Viewport): [west: number, south: number, east: number, north: number] {
  const { west, south, east, north } = bbox;
  return [west, south, spansAntimeridian(bbox) ? east + DEGREES_AROUND : east, north];
}

/** The viewport to request: the visible area, extended by a share of its size on each side. */
export function viewportOf(seen: Viewport, margin: number): Viewport {
  const across = (seen.east - seen.west) * margin;
  const up = (seen.north - seen.south) * margin;
  const [west, east] = [seen.west - across, seen.east + across];
  const isWholeWorld = east - west >= DEGREES_AROUND;
  return {
    west: isWholeWorld ? -180 : west,
    south: Math.max(-90, seen.south - up),
    east: isWholeWorld ? 180 : east,
    north: Math.min(90, seen.north + up),
  };
}

/** Whether an area contains another one, both in the form of {@link viewportOf}. */
export function contains(area: Viewport, other: Viewport): boolean {
  return (
    area.west <= other.west &&
    area.east >= other.east &&
    area.south <= other.south &&
    area.north >= other.north
  );
}

/** A longitude shifted by multiples of 360° to within 180° of another. */
export function nearestTurn(lng: number, to: number): number {
  return lng + Math.round((to - lng) / DEGREES_AROUND) * DEGREES_AROUND;
}
