import type { Place } from './places.js';

/** A position at a time in milliseconds; the speed is in metres per second. */
export interface Fix extends Place {
  readonly timestamp: number;
  readonly speed?: number | undefined;
}

/** Faster than any road vehicle. */
export const MAX_PLAUSIBLE_SPEED = 70;

/** Only fixes this far apart, in time and in place, show a speed. */
const MIN_INTERVAL_MS = 900;
const MAX_INTERVAL_MS = 30_000;
const MIN_DISTANCE_METERS = 15;
const MIN_MOVING_SPEED = 3;

const METERS_PER_DEGREE = 111_195;

/** Distance in metres. Accurate to a percent up to some kilometres, except next to the poles. */
export function distanceMeters(one: Place, other: Place): number {
  const north = (other.lat - one.lat) * METERS_PER_DEGREE;
  const difference = other.lng - one.lng;
  // A remainder takes longer than all the rest.
  const isNear = difference >= -180 && difference < 180;
  const degreesEast = isNear ? difference : ((((difference + 180) % 360) + 360) % 360) - 180;
  const east = degreesEast * METERS_PER_DEGREE * Math.cos((one.lat * Math.PI) / 180);
  return Math.sqrt(north * north + east * east);
}

/**
 * Returns the reported speed, of both fixes on average, relative to the speed at which the vehicle moved from one to the
 * other; `null` if they are too close, too far apart, or have no speed.
 */
export function speedRatio(from: Fix, to: Fix): number | null {
  if (from.speed === undefined || to.speed === undefined || to.speed <= 0) return null;
  const intervalMs = to.timestamp - from.timestamp;
  if (intervalMs < MIN_INTERVAL_MS || intervalMs > MAX_INTERVAL_MS) return null;
  const meters = distanceMeters(from, to);
  const moved = (meters * 1_000) / intervalMs;
  if (meters < MIN_DISTANCE_METERS || moved < MIN_MOVING_SPEED || moved > MAX_PLAUSIBLE_SPEED) return null;
  return (from.speed + to.speed) / 2 / moved;
}

/** The unit that a ratio by {@link speedRatio} indicates: 3.6 for km/h, 2.24 for mph, 1.94 for knots. */
export function unitOfRatio(ratio: number): 'metres' | 'miles' | 'kilometres' | 'other' {
  if (ratio >= 0.5 && ratio < 1.6) return 'metres';
  if (ratio >= 1.7 && ratio < 2.7) return 'miles';
  return ratio >= 2.7 && ratio < 5 ? 'kilometres' : 'other';
}
