import { describe, expect, it } from 'vitest';
import { worldSizePixels, worldX, worldY } from '../city-state/mercator.js';
import { layOutLabels, MAX_LABELS } from './lay-out-labels.js';

const bounds = { west: 7.4, south: 43.72, east: 7.45, north: 43.76 };
const zoom = 16;

function grid(count: number, step: number): Float64Array {
  const across = Math.ceil(Math.sqrt(count));
  return Float64Array.from(
    Array.from({ length: count }, (_, n) => [
      7.401 + (n % across) * step,
      43.721 + Math.floor(n / across) * step,
    ]).flat(),
  );
}

const layOut = (positions: Float64Array, view: Partial<Parameters<typeof layOutLabels>[1]> = {}) =>
  layOutLabels(positions, { bounds, zoom, textOf: (index) => String(index).padStart(6, '0'), ...view });

describe('layOutLabels', () => {
  it('labels marks that are far from each other', () => {
    expect(layOut(grid(25, 0.005)).map(({ index }) => index)).toEqual(
      Array.from({ length: 25 }, (_, n) => n),
    );
  });

  it('never covers one label by another', () => {
    const positions = grid(2_000, 0.000_3);
    const labels = layOut(positions, { bounds: { west: 7, south: 43, east: 8, north: 44 } });
    expect(labels.length).toBeGreaterThan(10);
    const size = worldSizePixels(zoom);
    const boxes = labels.map(({ index, text }) => {
      const x = worldX(positions[2 * index]!) * size;
      return { from: x, to: x + text.length * 7, y: worldY(positions[2 * index + 1]!) * size };
    });
    const covered = boxes.filter((one, at) =>
      boxes
        .slice(at + 1)
        .some((other) => one.from < other.to && one.to > other.from && Math.abs(one.y - other.y) < 14),
    );
    expect(covered).toEqual([]);
  });

  it('has none when zoomed out, out of sight, or without a text, and never more than the maximum', () => {
    expect(layOut(grid(25, 0.005), { zoom: 14 })).toEqual([]);
    expect(layOut(grid(25, 0.005), { bounds: { west: 8, south: 43, east: 9, north: 44 } })).toEqual([]);
    expect(layOut(grid(25, 0.005), { textOf: () => null })).toEqual([]);
    const all = { west: -180, south: -80, east: 180, north: 80 };
    expect(layOut(grid(10_000, 0.005), { bounds: all })).toHaveLength(MAX_LABELS);
  });
});
