import { metersBetween } from '@hailstream/events';
import { accuracyOf, type Fix } from './fix.js';

/** No road vehicle is faster, in metres per second: 252 km/h. */
const FASTEST = 70;

/** A vehicle that is at least this fast does not stay at exactly one place, in metres per second. */
const MOVING_FROM = 1;

/**
 * Returns the fixes that the vehicle can have reached from the previous one, given in order of time. Of fixes with the same
 * time, the first is kept. A fix is left out until enough time has passed for the vehicle to be there. A fix of a moving vehicle
 * at exactly the previous place is left out, too: an event is often sent with the last position that the device knew, and that
 * is where the vehicle was before.
 */
export function withoutOutliers(fixes: readonly Fix[]): Fix[] {
  const kept: Fix[] = [];
  for (const fix of fixes) {
    const last = kept.at(-1);
    if (last !== undefined && (!isReachable(last, fix) || isRepeated(last, fix))) continue;
    kept.push(fix);
  }
  return kept;
}

function isReachable(from: Fix, to: Fix): boolean {
  const seconds = (to.at - from.at) / 1_000;
  if (seconds <= 0) return false;
  return metersBetween(from, to) - accuracyOf(from) - accuracyOf(to) <= FASTEST * seconds;
}

function isRepeated(last: Fix, { lat, lng, speed }: Fix): boolean {
  return speed !== null && speed >= MOVING_FROM && lat === last.lat && lng === last.lng;
}
