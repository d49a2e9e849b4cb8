import { acrossDegrees } from '@hailstream/events';
import { METERS_PER_DEGREE, type Position } from '../geo/geo.js';

/** A position of a vehicle at a time in milliseconds. */
export interface TracePoint extends Position {
  readonly timestamp: number;
  /** Course in degrees clockwise from north. Left out if it is not known, and of a vehicle that stands: it has none. */
  readonly heading?: number;
  /** In metres per second. Left out if it is not known. */
  readonly speed?: number;
}

/** A vehicle whose course changes by more than this between two points has turned back, in degrees. */
const TURNED_BACK_DEGREES = 120;
/** Points whose courses differ by more than this are of a vehicle that turns, not of one that stands, in degrees. */
const TURNED_DEGREES = 60;

/** Points in a row that are so close to each other that noise is most of their movement, as one position: their mean. */
export interface Stay extends Position {
  /** Indexes of the first and the last point. */
  readonly firstPoint: number;
  readonly lastPoint: number;
  /** Times of the first and the last point. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** Course of the first point that has one. */
  readonly heading?: number;
  /** Speeds of the first and the last point; `undefined` if they are not known. */
  readonly fromSpeed: number | undefined;
  readonly untilSpeed: number | undefined;
}

/** Speeds do not show the way between points that are further apart in time: the vehicle may have stopped since. */
const SPEEDS_WITHIN_MS = 30_000;

/** Returns the length of the way between two positions that follows from the speeds at its ends; 0 if it is not known. */
export function metersBySpeeds(
  from: Pick<Stay, 'untilMs' | 'untilSpeed'>,
  to: Pick<Stay, 'fromMs' | 'fromSpeed'>,
): number {
  const ms = to.fromMs - from.untilMs;
  if (from.untilSpeed === undefined || to.fromSpeed === undefined || ms > SPEEDS_WITHIN_MS) return 0;
  return (((from.untilSpeed + to.fromSpeed) / 2) * ms) / 1_000;
}

/**
 * Joins each point to the points before it, if it is within `meters` of their mean and has about their course, unless the way by the
 * speeds is longer: the vehicle has driven around a bend. A vehicle that stands still has one position then; one that moves fast has
 * one per few points. The first and the last point of a trace, and those before and
 * after a time of more than `maxGapMs` or a U-turn, are positions too, because the mean would shorten the way there.
 */
export function joinStays(
  points: readonly TracePoint[],
  { meters, maxGapMs }: { readonly meters: number; readonly maxGapMs: number },
): Stay[] {
  const stays: Stay[] = [];
  let isStart = true;
  let isSecond = false;
  for (const [index, point] of points.entries()) {
    const { lat, lng, timestamp, heading, speed } = point;
    const last = stays.at(-1);
    const next = points[index + 1];
    const isEnd =
      next === undefined ||
      next.timestamp - timestamp > maxGapMs ||
      hasTurned(point, next, TURNED_BACK_DEGREES);
    const course = heading === undefined ? {} : { heading };
    if (last === undefined || isStart || isSecond || isEnd || !isOneStay(last, point, meters)) {
      const times = { fromMs: timestamp, untilMs: timestamp };
      const speeds = { fromSpeed: speed, untilSpeed: speed };
      stays.push({ lat, lng, firstPoint: index, lastPoint: index, ...times, ...course, ...speeds });
    } else {
      const count = index - last.firstPoint + 1;
      stays[stays.length - 1] = {
        ...last,
        lat: last.lat + (lat - last.lat) / count,
        lng: last.lng + acrossDegrees(last.lng, lng) / count,
        lastPoint: index,
        untilMs: timestamp,
        ...(last.heading === undefined && course),
        untilSpeed: speed,
      };
    }
    isSecond = isStart;
    isStart = isEnd;
  }
  return stays;
}

function isOneStay(last: Stay, point: TracePoint, meters: number): boolean {
  return (
    isWithin(last, point, meters) &&
    !hasTurned(last, point, TURNED_DEGREES) &&
    metersBySpeeds(last, { fromMs: point.timestamp, fromSpeed: point.speed }) < meters
  );
}

function hasTurned(
  from: Pick<TracePoint, 'heading'>,
  to: Pick<TracePoint, 'heading'>,
  degrees: number,
): boolean {
  if (from.heading === undefined || to.heading === undefined) return false;
  return Math.abs(((to.heading - from.heading + 540) % 360) - 180) > degrees;
}

function isWithin(one: Position, other: Position, meters: number): boolean {
  const north = (other.lat - one.lat) * METERS_PER_DEGREE;
  if (Math.abs(north) >= meters) return false;
  const east = acrossDegrees(one.lng, other.lng) * METERS_PER_DEGREE * Math.cos((one.lat * Math.PI) / 180);
  return north * north + east * east < meters * meters;
}
