/** Shares vehicles among cities by weight. The sum is exact, and each city has a vehicle if there are enough. */
export function shareVehicles(vehicles: number, weights: readonly number[]): number[] {
  const minimum = vehicles >= weights.length ? 1 : 0;
  const toShare = vehicles - minimum * weights.length;
  let remainingWeight = weights.reduce((sum, weight) => sum + weight, 0);
  let remaining = Math.max(0, toShare);
  return weights.map((weight) => {
    const share = Math.round((remaining * weight) / remainingWeight);
    remainingWeight -= weight;
    remaining -= share;
    return share + minimum;
  });
}
