import { metersBetween } from '@hailstream/events';
import { accuracyOf, type Fix } from './fix.js';

/** No road vehicle is faster, in metres per second: 252 km/h. */
const FASTEST = 70;

/**
 * Returns the fixes that the vehicle can have reached from the previous one, given in order of time. Of fixes with the same
 * time, the first is kept. A fix is left out until enough time has passed for the vehicle to be there.
 */
export function withoutOutliers(fixes: readonly Fix[]): Fix[] {
  const kept: Fix[] = [];
  for (const fix of fixes) {
    const last = kept.at(-1);
    if (last !== undefined && !isReachable(last, fix)) continue;
    kept.push(fix);
  }
  return kept;
}

function isReachable(from: Fix, to: Fix): boolean {
  const seconds = (to.at - from.at) / 1_000;
  if (seconds <= 0) return false;
  return metersBetween(from, to) - accuracyOf(from) - accuracyOf(to) <= FASTEST * seconds;
}
