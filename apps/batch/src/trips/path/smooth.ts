import { acrossDegrees, metersPerDegree } from '@hailstream/events';
import { accuracyOf, type Fix } from './fix.js';

/** Standard deviation of the acceleration of a vehicle in a city, in metres per second squared. */
const ACCELERATION = 2.5;
/** Standard deviation of the speed that a receiver measures, per axis, in metres per second. */
const SPEED_DEVIATION = 0.5;
/** Ratio of the accuracy, which is the radius with a probability of 68 %, to the standard deviation per axis. */
const ACCURACY_DEVIATIONS = 1.51;
/** Variance of an unknown speed. */
const UNKNOWN_SPEED_VARIANCE = 1_000;

/** The most likely place of a vehicle at the time of a fix, and its velocity in metres per second. */
export interface SmoothedFix {
  readonly at: number;
  readonly lat: number;
  readonly lng: number;
  readonly east: number;
  readonly north: number;
}

/** Position and velocity along one axis, in metres; the covariances are the same for both axes. */
interface State {
  readonly x: number;
  readonly vx: number;
  readonly y: number;
  readonly vy: number;
  /** Variance of the position, covariance, and variance of the velocity. */
  readonly pp: number;
  readonly pv: number;
  readonly vv: number;
}

/**
 * Estimates the way of a vehicle from its fixes, given in order of time: a Kalman filter of position and velocity, run
 * forward, and smoothed backward. It weighs each position by its accuracy, and uses speed and heading, which receivers measure
 * independently of the position. The way along the result is not longer because positions scatter.
 *
 * @see Rauch, Tung and Striebel, Maximum likelihood estimates of linear dynamic systems, 1965
 */
export function smooth(fixes: readonly Fix[]): SmoothedFix[] {
  const [origin] = fixes;
  if (origin === undefined) return [];
  const scale = metersPerDegree(origin.lat);
  const filtered: State[] = [];
  const predicted: State[] = [];
  for (const [index, fix] of fixes.entries()) {
    const before = filtered.at(-1);
    const measured = {
      x: acrossDegrees(origin.lng, fix.lng) * scale.east,
      y: (fix.lat - origin.lat) * scale.north,
    };
    const seconds = index === 0 ? 0 : (fix.at - fixes[index - 1]!.at) / 1_000;
    const state = before === undefined ? unknown(measured) : predict(before, seconds);
    predicted.push(state);
    filtered.push(updateVelocity(updatePosition(state, measured, fix), fix));
  }
  const smoothed = smoothBackward(fixes, filtered, predicted);
  return smoothed.map(({ x, y, vx, vy }, index) => ({
    at: fixes[index]!.at,
    lat: origin.lat + y / scale.north,
    lng: acrossDegrees(0, origin.lng + x / scale.east),
    east: vx,
    north: vy,
  }));
}

function unknown({ x, y }: { readonly x: number; readonly y: number }): State {
  return { x, vx: 0, y, vy: 0, pp: UNKNOWN_SPEED_VARIANCE, pv: 0, vv: UNKNOWN_SPEED_VARIANCE };
}

/** The state after some seconds in which the acceleration is noise. */
function predict({ x, vx, y, vy, pp, pv, vv }: State, seconds: number): State {
  const power = ACCELERATION ** 2;
  return {
    x: x + vx * seconds,
    vx,
    y: y + vy * seconds,
    vy,
    pp: pp + 2 * seconds * pv + seconds ** 2 * vv + (power * seconds ** 3) / 3,
    pv: pv + seconds * vv + (power * seconds ** 2) / 2,
    vv: vv + power * seconds,
  };
}

function updatePosition(state: State, measured: { readonly x: number; readonly y: number }, fix: Fix): State {
  const { x, vx, y, vy, pp, pv, vv } = state;
  const variance = pp + (accuracyOf(fix) / ACCURACY_DEVIATIONS) ** 2;
  const [gain, velocityGain] = [pp / variance, pv / variance];
  return {
    x: x + gain * (measured.x - x),
    vx: vx + velocityGain * (measured.x - x),
    y: y + gain * (measured.y - y),
    vy: vy + velocityGain * (measured.y - y),
    pp: pp * (1 - gain),
    pv: pv * (1 - gain),
    vv: vv - velocityGain * pv,
  };
}

/** A speed without a heading has no direction, unless it is zero. */
function updateVelocity(state: State, { speed, heading }: Fix): State {
  if (speed === null || (heading === null && speed > 0)) return state;
  const course = ((heading ?? 0) * Math.PI) / 180;
  const { x, vx, y, vy, pp, pv, vv } = state;
  const variance = vv + SPEED_DEVIATION ** 2;
  const [positionGain, gain] = [pv / variance, vv / variance];
  const east = speed * Math.sin(course) - vx;
  const north = speed * Math.cos(course) - vy;
  return {
    x: x + positionGain * east,
    vx: vx + gain * east,
    y: y + positionGain * north,
    vy: vy + gain * north,
    pp: pp - positionGain * pv,
    pv: pv * (1 - gain),
    vv: vv * (1 - gain),
  };
}

function smoothBackward(
  fixes: readonly Fix[],
  filtered: readonly State[],
  predicted: readonly State[],
): Pick<State, 'x' | 'y' | 'vx' | 'vy'>[] {
  const result: Pick<State, 'x' | 'y' | 'vx' | 'vy'>[] = Array.from({ length: filtered.length });
  for (let index = filtered.length - 1; index >= 0; index -= 1) {
    const { x, y, vx, vy, pp, pv, vv } = filtered[index]!;
    const next = result[index + 1];
    if (next === undefined) {
      result[index] = { x, y, vx, vy };
      continue;
    }
    const seconds = (fixes[index + 1]!.at - fixes[index]!.at) / 1_000;
    const ahead = predicted[index + 1]!;
    // The gain is P · Fᵀ · inverse of the predicted covariance, of which the rows are those of position and velocity.
    const determinant = ahead.pp * ahead.vv - ahead.pv ** 2;
    const [a, b] = [pp + seconds * pv, pv];
    const [c, d] = [pv + seconds * vv, vv];
    const gain = {
      xx: (a * ahead.vv - b * ahead.pv) / determinant,
      xv: (b * ahead.pp - a * ahead.pv) / determinant,
      vx: (c * ahead.vv - d * ahead.pv) / determinant,
      vv: (d * ahead.pp - c * ahead.pv) / determinant,
    };
    const east = [next.x - ahead.x, next.vx - ahead.vx] as const;
    const north = [next.y - ahead.y, next.vy - ahead.vy] as const;
    result[index] = {
      x: x + gain.xx * east[0] + gain.xv * east[1],
      vx: vx + gain.vx * east[0] + gain.vv * east[1],
      y: y + gain.xx * north[0] + gain.xv * north[1],
      vy: vy + gain.vx * north[0] + gain.vv * north[1],
    };
  }
  return result;
}
