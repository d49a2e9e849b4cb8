import { acrossDegrees, metersPerDegree } from '@hailstream/events';
import type { Fix } from './fix.js';

/** Turns beyond this are U-turns and errors: the way between the fixes is not an arc. */
const MAX_ARC_RADIANS = (2 * Math.PI) / 3;
/** Fixes that are further apart in time do not show how the vehicle turned between them. */
const TURN_WITHIN_MS = 5_000;
/** A vehicle slower than this has no course, in metres per second. */
const COURSE_ABOVE = 1;

/** What is known about the movement at a fix. Speeds are in metres per second, courses in radians clockwise from north. */
interface Movement {
  readonly at: number;
  readonly speed: number;
  readonly course: number;
}

/** The turn between two movements, in radians: positive to the right. `null` if the way between them is not an arc. */
export function turnBetween(from: Movement, to: Movement): number | null {
  if (to.at - from.at > TURN_WITHIN_MS || Math.min(from.speed, to.speed) < COURSE_ABOVE) return null;
  const turn = Math.atan2(Math.sin(to.course - from.course), Math.cos(to.course - from.course));
  return Math.abs(turn) > MAX_ARC_RADIANS ? null : turn;
}

/** The length of the arc over a chord, on which the course turns by some radians. */
export function arcOver(chord: number, turn: number): number {
  return turn === 0 ? chord : (chord * (turn / 2)) / Math.sin(turn / 2);
}

/**
 * The way between two fixes in the direction of the courses that they report; `null` if it cannot be known. The noise of the
 * positions adds nothing to the sum of such ways: what it adds to one of them, it takes from the next, unless the vehicle turns.
 */
export function wayAlongCourses(from: Fix, to: Fix): number | null {
  const [before, after] = [movementOf(from), movementOf(to)];
  const turn = before === null || after === null ? null : turnBetween(before, after);
  if (before === null || turn === null) return null;
  const scale = metersPerDegree(from.lat);
  const course = before.course + turn / 2;
  const east = acrossDegrees(from.lng, to.lng) * scale.east;
  const north = (to.lat - from.lat) * scale.north;
  return arcOver(east * Math.sin(course) + north * Math.cos(course), turn);
}

function movementOf({ at, speed, heading }: Fix): Movement | null {
  return speed === null || heading === null ? null : { at, speed, course: (heading * Math.PI) / 180 };
}
