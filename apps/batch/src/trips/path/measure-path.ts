import { metersBetween } from '@hailstream/events';
import { arcOver, turnBetween, wayAlongCourses } from './arc.js';
import type { Fix } from './fix.js';
import { withoutOutliers } from './outliers.js';
import { smooth, type SmoothedFix } from './smooth.js';
import { collapseStays, mayStand, type StayFix } from './stays.js';

/** A vehicle without a position for longer than this was silent. Devices that report once a minute are not. */
const SILENT_AFTER_MS = 120_000;

/** Speeds are integrated between fixes that are at most this far apart in time: a vehicle may have stopped since. */
const SPEED_WITHIN_MS = 2_000;
/** Speeds are believed if the way that follows from them differs by at most this share from the way of the positions. */
const SPEED_TOLERANCE = 0.15;
/** Or by at most these metres: on a short way, noise and one turn are a larger share. */
const SPEED_TOLERANCE_METERS = 15;

/** A time without a position of a vehicle, in milliseconds. */
interface Silence {
  readonly from: number;
  readonly to: number;
}

/** What the positions of a vehicle show about its way from one place to another. */
export interface MeasuredPath {
  /** On the WGS 84 ellipsoid. `null` without any telemetry. */
  readonly meters: number | null;
  /** Time in which the vehicle stood. */
  readonly dwellSeconds: number | null;
  /** The highest reported speed in metres per second; `null` if none was reported. */
  readonly maxSpeed: number | null;
  /** Telemetry points between the ends. */
  readonly points: number;
  readonly silences: readonly Silence[];
  /** The way, for a map. */
  readonly line: readonly { readonly lat: number; readonly lng: number }[];
}

/**
 * Measures the way of a vehicle from one event to another. `telemetry` has its points between both, in order of time.
 *
 * The noise of the receiver does not count as way: the positions of a stay are one place, and the others are smoothed. Where
 * points follow each other closely and report speeds that agree with the positions, the way is the integral of the speeds:
 * receivers measure them by the Doppler shift, independently of the positions and more precisely than their differences, and
 * they do not cut corners.
 */
export function measurePath(start: Fix, telemetry: readonly Fix[], end: Fix): MeasuredPath {
  const points = telemetry.length;
  const silences = silencesOf([start.at, ...telemetry.map(({ at }) => at), end.at]);
  if (points === 0) {
    return { meters: null, dwellSeconds: null, maxSpeed: null, points, silences, line: [] };
  }
  const { fixes, dwellMs } = collapseStays(withoutOutliers([start, ...telemetry, end]), SILENT_AFTER_MS);
  const rest = { dwellSeconds: dwellMs / 1_000, maxSpeed: maxSpeedOf(telemetry), points, silences };
  const lineOfPositions = smoothRuns(fixes.map((fix) => ({ ...fix, speed: null })));
  const ofPositions = waysOf(fixes, lineOfPositions);
  const ofSpeeds = fixes.slice(1).map((fix, index) => integral(fixes[index]!, fix));
  if (!agree({ fixes, ofPositions, ofSpeeds }))
    return { ...rest, meters: sum(ofPositions), line: lineOfPositions };
  const line = smoothRuns(fixes);
  const ofBoth = waysOf(fixes, line);
  return { ...rest, meters: sum(ofSpeeds.map((meters, index) => meters ?? ofBoth[index]!)), line };
}

/**
 * Smooths the fixes between stops. Where a vehicle stopped or started between two fixes, the speed of the one says nothing about
 * the place of the other: smoothed together, both would be moved apart.
 */
function smoothRuns(fixes: readonly StayFix[]): SmoothedFix[] {
  const line: SmoothedFix[] = [];
  let first = 0;
  for (let next = 1; next <= fixes.length; next += 1) {
    if (next < fixes.length && !isStopBetween(fixes[next - 1]!, fixes[next]!)) continue;
    line.push(...smooth(fixes.slice(first, next)));
    first = next;
  }
  return line;
}

/** One of both may be a single fix of a vehicle that stands: a trip that ends seconds after a stop has no other. */
function isStopBetween(from: StayFix, to: StayFix): boolean {
  if (to.at - from.at <= SPEED_WITHIN_MS) return false;
  return from.stay === 'end' || to.stay === 'start' || isStanding(from) !== isStanding(to);
}

function isStanding({ stay, speed }: StayFix): boolean {
  return stay !== null || mayStand({ speed: speed ?? Infinity });
}

/**
 * Whether the speeds agree with the positions, of the parts of the way in which there are speeds. Smoothed positions cut the corners
 * of a way that only turns; those along the reported courses do not, but the courses may be wrong. Speeds that are wrong agree with
 * neither.
 */
function agree({
  fixes,
  ofPositions,
  ofSpeeds,
}: {
  readonly fixes: readonly StayFix[];
  readonly ofPositions: readonly number[];
  readonly ofSpeeds: readonly (number | null)[];
}): boolean {
  const along = ofPositions.map((meters, index) => {
    const [from, to] = [fixes[index]!, fixes[index + 1]!];
    return to.stay === 'end' ? 0 : (wayAlongCourses(from, to) ?? meters);
  });
  const speedMeters = sum(ofSpeeds.map((meters) => meters ?? 0));
  return [ofPositions, along].some((ways) => {
    const known = ways.filter((_, index) => ofSpeeds[index] !== null);
    const tolerance = Math.max(SPEED_TOLERANCE_METERS, SPEED_TOLERANCE * sum(known));
    return known.length > 0 && Math.abs(speedMeters - sum(known)) <= tolerance;
  });
}

/** The way that follows from the speeds of two fixes; `null` if it cannot be known. */
function integral(from: Fix, to: Fix): number | null {
  if (from.speed === null || to.speed === null || to.at - from.at > SPEED_WITHIN_MS) return null;
  return (((from.speed + to.speed) / 2) * (to.at - from.at)) / 1_000;
}

/** A stay has no way, whatever smoothing has made of its ends. */
function waysOf(fixes: readonly StayFix[], line: readonly SmoothedFix[]): number[] {
  return line
    .slice(1)
    .map((fix, index) => (fixes[index + 1]!.stay === 'end' ? 0 : wayBetween(line[index]!, fix)));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The length of the arc between two fixes: the vehicle turned from the course of one to the course of the other. */
function wayBetween(from: SmoothedFix, to: SmoothedFix): number {
  const turn = turnBetween(movementOf(from), movementOf(to));
  return arcOver(metersBetween(from, to), turn ?? 0);
}

function movementOf({ at, east, north }: SmoothedFix): { at: number; speed: number; course: number } {
  return { at, speed: Math.hypot(east, north), course: Math.atan2(east, north) };
}

function maxSpeedOf(telemetry: readonly Fix[]): number | null {
  return telemetry.reduce<number | null>(
    (max, { speed }) => (speed === null ? max : Math.max(max ?? 0, speed)),
    null,
  );
}

/** `times` are in order. */
function silencesOf(times: readonly number[]): Silence[] {
  return times.flatMap((to, index) => {
    const from = times[index - 1] ?? to;
    return to - from > SILENT_AFTER_MS ? [{ from, to }] : [];
  });
}
