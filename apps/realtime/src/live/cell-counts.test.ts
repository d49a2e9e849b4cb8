import type { VehicleRow } from '@hailstream/events/live';
import { describe, expect, it } from 'vitest';
import { id } from '../fold/events.fixture.js';
import { CellCounts } from './cell-counts.js';
import { cover } from './grid.js';

const range = cover({ west: 7.4, south: 43.72, east: 7.45, north: 43.76 });

function row(lat: number, lng: number, state: VehicleRow[5]): VehicleRow {
  return [id(1), lat, lng, null, null, state, 'live', 0];
}

describe('CellCounts', () => {
  it('counts vehicles by cell and state', () => {
    const counts = new CellCounts(range);
    counts.add(row(43.74, 7.42, 'on_trip'));
    counts.add(row(43.74, 7.42, null));
    counts.add(row(43.74, 7.42, null));
    counts.add(row(43.75, 7.44, 'available'));
    expect(counts.total).toBe(4);
    expect(counts.all().map(([, , states]) => states)).toEqual([
      { on_trip: 1, unknown: 2 },
      { available: 1 },
    ]);
    const [lat, lng] = counts.all()[0]!;
    expect([Math.abs(lat - 43.74) < 0.001, Math.abs(lng - 7.42) < 0.001]).toEqual([true, true]);
  });

  it('reports the cells that differ from what was reported before', () => {
    const counts = new CellCounts(range);
    const [one, other] = [row(43.74, 7.42, 'on_trip'), row(43.75, 7.44, 'on_trip')];
    counts.add(one);
    expect(counts.takeChanged()).toHaveLength(1);
    expect(counts.takeChanged()).toEqual([]);
    counts.remove(one);
    counts.add(one);
    expect(counts.takeChanged()).toEqual([]);
    counts.remove(one);
    counts.add(other);
    expect(counts.takeChanged().map(([, , states]) => states)).toEqual([{}, { on_trip: 1 }]);
    expect(counts.total).toBe(1);
  });
});
