import type { TrailPoint } from '@hailstream/events/live';
import type { SeriesReader, SeriesWriter } from './series.js';

/** Duration of a trail, up to its newest point. */
export const TRAIL_MS = 600_000;

/** The last point of each interval of this length is kept. */
const TRAIL_STEP_MS = 5_000;

/** Points older than this are dropped, even if no newer points follow. */
export const TRAIL_KEPT_MS = 86_400_000;

/** Maximum number of points per trail. */
const MAX_TRAIL_POINTS = TRAIL_MS / TRAIL_STEP_MS + 1;

/** Metres per degree of latitude. */
const METERS_PER_DEGREE = 111_195;

/** Between two points that are further apart, the speed is not known. */
const MAX_SPEED_GAP_MS = 60_000;

/** Numbers per point: time, latitude, longitude, speed (NaN if unknown). */
const WIDTH = 4;

/** The positions of a vehicle, oldest first, independent of the order of arrival. */
export class Trail {
  /** Points in one array of doubles, ascending by time: an eighth of the memory of objects. */
  private numbers: number[] = [];

  get length(): number {
    return this.numbers.length / WIDTH;
  }

  /** Adds a point unless its interval has a later one or is older than the trail. Returns whether the trail changed. */
  add(point: TrailPoint): boolean {
    const [lat, lng, speed, timestamp] = point;
    const newest = this.numbers.at(-WIDTH);
    if (newest !== undefined && step(timestamp) < firstStep(newest)) return false;

    let at = this.length;
    while (at > 0 && step(this.time(at - 1)) > step(timestamp)) at -= 1;
    const candidate = [timestamp, lat, lng, speed ?? Number.NaN];
    const rival = at > 0 && step(this.time(at - 1)) === step(timestamp) ? at - 1 : undefined;
    if (rival === undefined) {
      this.numbers.splice(at * WIDTH, 0, ...candidate);
    } else {
      if (!isAfter(candidate, this.numbers.slice(rival * WIDTH, rival * WIDTH + WIDTH))) return false;
      this.numbers.splice(rival * WIDTH, WIDTH, ...candidate);
    }
    this.dropBefore(firstStep(this.time(this.length - 1)));
    return true;
  }

  /** Drops points older than {@link TRAIL_KEPT_MS}. */
  forget(now: number): void {
    this.dropBefore(step(now - TRAIL_KEPT_MS));
  }

  points(): TrailPoint[] {
    const points: TrailPoint[] = [];
    for (let at = 0; at < this.numbers.length; at += WIDTH) {
      const [timestamp = 0, lat = 0, lng = 0, speed = 0] = this.numbers.slice(at, at + WIDTH);
      points.push([lat, lng, Number.isNaN(speed) ? null : speed, timestamp]);
    }
    return points;
  }

  /** Time of the first point from which on all are within `meters` of a place, to the north, south, east and west. */
  nearSince(place: { readonly lat: number; readonly lng: number }, meters: number): number | null {
    const northSouth = meters / METERS_PER_DEGREE;
    const eastWest = northSouth / Math.max(0.01, Math.cos((place.lat * Math.PI) / 180));
    let since: number | null = null;
    for (let at = this.numbers.length - WIDTH; at >= 0; at -= WIDTH) {
      if (Math.abs(this.numbers[at + 1]! - place.lat) > northSouth) break;
      if (Math.abs(this.numbers[at + 2]! - place.lng) > eastWest) break;
      since = this.numbers[at]!;
    }
    return since;
  }

  /** Since when every point up to the newest one is faster than a speed, as far as the trail reaches; `null` if the newest is not. */
  fasterSince(speed: number): number | null {
    let since: number | null = null;
    for (let index = this.length - 1; index >= 0; index -= 1) {
      const isGap = since !== null && since - this.time(index) >= MAX_SPEED_GAP_MS;
      if (isGap || !(this.numbers[index * WIDTH + 3]! > speed)) break;
      since = this.time(index);
    }
    return since;
  }

  write(to: SeriesWriter): void {
    const { numbers } = this;
    to.bytes.count(this.length);
    for (let at = 0; at < numbers.length; at += WIDTH) {
      const speed = numbers[at + 3]!;
      to.time(numbers[at]!);
      to.place({ lat: numbers[at + 1]!, lng: numbers[at + 2]! });
      to.measure(Number.isNaN(speed) ? null : speed);
    }
  }

  static read(from: SeriesReader): Trail {
    const trail = new Trail();
    for (let count = from.bytes.count(); count > 0; count -= 1) {
      const timestamp = from.knownTime();
      const { lat, lng } = from.place();
      trail.numbers.push(timestamp, lat, lng, from.measure() ?? Number.NaN);
    }
    return trail;
  }

  private time(index: number): number {
    return this.numbers[index * WIDTH] ?? Number.NaN;
  }

  private dropBefore(first: number): void {
    let count = 0;
    while (count < this.length && step(this.time(count)) < first) count += 1;
    if (count > 0) this.numbers.splice(0, count * WIDTH);
  }
}

function step(timestamp: number): number {
  return Math.floor(timestamp / TRAIL_STEP_MS);
}

/** The oldest interval of a trail whose newest point has this time. */
function firstStep(newest: number): number {
  return step(newest) - (MAX_TRAIL_POINTS - 1);
}

/** Orders points by time, then by their other numbers, so that the order of arrival does not matter. */
function isAfter(point: readonly number[], other: readonly number[]): boolean {
  for (const [index, value] of point.entries()) {
    // NaN equals nothing: it is ordered before every number.
    const left = Number.isNaN(value) ? -1 : value;
    const right = other[index] === undefined || Number.isNaN(other[index]) ? -1 : other[index];
    if (left !== right) return left > right;
  }
  return false;
}
