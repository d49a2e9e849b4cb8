import { acrossDegrees } from '@hailstream/events';
import { METERS_PER_DEGREE, type Position } from '../geo/geo.js';

/** A position of a vehicle at a time in milliseconds. */
export interface TracePoint extends Position {
  readonly timestamp: number;
}

/** Points in a row that are so close to each other that noise is most of their movement, as one position: their mean. */
export interface Stay extends Position {
  /** Indexes of the first and the last point. */
  readonly firstPoint: number;
  readonly lastPoint: number;
  /** Times of the first and the last point. */
  readonly fromMs: number;
  readonly untilMs: number;
}

/**
 * Joins each point to the points before it, if it is within `meters` of their mean. A vehicle that stands still has one
 * position then; one that moves fast has one per few points. The first and the last point of a trace, and those before and
 * after a time of more than `maxGapMs`, are positions too, because the mean would shorten the way at its ends.
 */
export function joinStays(
  points: readonly TracePoint[],
  { meters, maxGapMs }: { readonly meters: number; readonly maxGapMs: number },
): Stay[] {
  const stays: Stay[] = [];
  let isStart = true;
  let isSecond = false;
  for (const [index, point] of points.entries()) {
    const { lat, lng, timestamp } = point;
    const last = stays.at(-1);
    const next = points[index + 1];
    const isEnd = next === undefined || next.timestamp - timestamp > maxGapMs;
    if (last === undefined || isStart || isSecond || isEnd || !isWithin(last, point, meters)) {
      stays.push({ lat, lng, firstPoint: index, lastPoint: index, fromMs: timestamp, untilMs: timestamp });
    } else {
      const count = index - last.firstPoint + 1;
      stays[stays.length - 1] = {
        ...last,
        lat: last.lat + (lat - last.lat) / count,
        lng: last.lng + acrossDegrees(last.lng, lng) / count,
        lastPoint: index,
        untilMs: timestamp,
      };
    }
    isSecond = isStart;
    isStart = isEnd;
  }
  return stays;
}

function isWithin(one: Position, other: Position, meters: number): boolean {
  const north = (other.lat - one.lat) * METERS_PER_DEGREE;
  if (Math.abs(north) >= meters) return false;
  const east = acrossDegrees(one.lng, other.lng) * METERS_PER_DEGREE * Math.cos((one.lat * Math.PI) / 180);
  return north * north + east * east < meters * meters;
}
