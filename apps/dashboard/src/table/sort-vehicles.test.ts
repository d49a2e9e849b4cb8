import { describe, expect, it } from 'vitest';
import type { Vehicle } from '../city-state/fleet.js';
import { ROW_HEIGHT, rowWindow } from './row-window.js';
import { nextOrder, sortVehicles } from './sort-vehicles.js';

function vehicle(deviceId: string, speed: number | null): Vehicle {
  return {
    deviceId,
    providerId: 'p',
    speed,
    lat: 0,
    lng: 0,
    heading: null,
    state: 'available',
    contact: 'live',
  };
}

describe('sortVehicles', () => {
  const vehicles = [vehicle('c', 3), vehicle('a', null), vehicle('b', 12), vehicle('d', 3)];
  const ids = (direction: 'ascending' | 'descending') =>
    sortVehicles(vehicles, { column: 'speed', direction }).map(({ deviceId }) => deviceId);

  it('sorts by value, equal values by id, and unknown values last in both directions', () => {
    expect(ids('ascending')).toEqual(['c', 'd', 'b', 'a']);
    expect(ids('descending')).toEqual(['b', 'c', 'd', 'a']);
  });
});

describe('nextOrder', () => {
  it('reverses the same column and starts another one ascending', () => {
    const order = { column: 'speed', direction: 'ascending' } as const;
    expect(nextOrder(order, 'speed')).toEqual({ column: 'speed', direction: 'descending' });
    expect(nextOrder({ ...order, direction: 'descending' }, 'lat')).toEqual({
      column: 'lat',
      direction: 'ascending',
    });
  });
});

describe('rowWindow', () => {
  it('renders the visible rows and a few more', () => {
    const window = rowWindow(10_000, { scrollTop: 1000 * ROW_HEIGHT, height: 20 * ROW_HEIGHT });
    expect([window.first, window.last]).toEqual([988, 1032]);
    expect(window.before + window.after + (window.last - window.first) * ROW_HEIGHT).toBe(
      10_000 * ROW_HEIGHT,
    );
  });

  it('renders no rows if there are none, after a scroll too', () => {
    expect(rowWindow(0, { scrollTop: 5000, height: 400 })).toEqual({
      first: 0,
      last: 0,
      before: 0,
      after: 0,
    });
  });

  it('ends with the last row if rows were removed while scrolled down', () => {
    expect(rowWindow(10, { scrollTop: 5000, height: 400 })).toMatchObject({ last: 10, after: 0 });
  });
});
