import { describe, expect, it } from 'vitest';
import { shareVehicles } from './share-vehicles.js';

describe(shareVehicles, () => {
  it.each([
    [250, [2_762], [250]],
    [100, [300, 100], [75, 25]],
    [10, [10_000, 1, 1], [8, 1, 1]],
    [7, [1, 1, 1], [2, 3, 2]],
    [1, [5, 1], [1, 0]],
  ])('shares %i vehicles by the weights %j', (vehicles, weights, shares) => {
    expect(shareVehicles(vehicles, weights)).toEqual(shares);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBe(vehicles);
  });
});
