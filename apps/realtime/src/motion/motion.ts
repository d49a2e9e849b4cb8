import type { ByteReader } from '../encoding/byte-reader.js';
import type { ByteWriter } from '../encoding/byte-writer.js';

/** What is kept of the last hour is kept per interval of this length, aligned to the clock. */
export const BUCKET_MS = 300_000;

/** The interval of now, and those of the 70 minutes before. */
const BUCKETS = 15;

const MINUTE_MS = 60_000;

/** Presence of the last two days is kept per interval of this length. */
export const QUARTER_MS = 900_000;

/** Quarters of an hour per word of presence, and words: those of two days and of now. */
const QUARTERS_PER_WORD = 32;
const PRESENCE_WORDS = 7;

/** Places are kept in millionths of a degree, which is 0.1 m; speeds in centimetres per second. */
const DEGREE_PARTS = 1_000_000;
const SPEED_PARTS = 100;

/** Metres per degree of latitude. */
const METERS_PER_DEGREE = 111_195;

const EMPTY = -1;

/**
 * Where the numbers of a bucket are. `number`: of its interval since the epoch. `minutes`: those with an event, as bits.
 * `firstAt`: time of the first position after the start of the interval; `EMPTY` without a position. `speed`: the highest,
 * followed by its time and place; `EMPTY` without a speed.
 */
const At = {
  number: 0,
  minutes: 1,
  firstAt: 2,
  south: 3,
  north: 4,
  west: 5,
  east: 6,
  speed: 7,
  speedAt: 8,
  speedLat: 9,
  speedLng: 10,
} as const;
const BUCKET_WORDS = 11;
const PRESENCE_AT = BUCKETS * BUCKET_WORDS;

/** Numbers per vehicle: the buckets, then pairs of the number of a presence word and its bits. */
const WORDS_PER_VEHICLE = PRESENCE_AT + 2 * PRESENCE_WORDS;

/** A speed in metres per second, and where and when a vehicle had it. */
export interface SpeedPeak {
  readonly speed: number;
  readonly lat: number;
  readonly lng: number;
  readonly at: number;
}

/** Vehicles per array: as many as there are so far, up to the maximum. */
const FIRST_PER_PAGE = 8;
const MAX_PER_PAGE = 512;

/** Where the numbers of one vehicle are. */
interface MotionWords {
  readonly words: Int32Array;
  readonly start: number;
}

/** Numbers of many vehicles in few arrays: an array of its own would cost each vehicle some hundred bytes more. */
export class MotionPages {
  private page = new Int32Array(0);
  private used = 0;
  private perPage: number;

  constructor(perPage = FIRST_PER_PAGE) {
    this.perPage = perPage;
  }

  /** The place of a further vehicle. */
  next(): MotionWords {
    if (this.used === this.page.length) {
      this.page = new Int32Array(WORDS_PER_VEHICLE * this.perPage).fill(EMPTY);
      this.used = 0;
      this.perPage = Math.min(MAX_PER_PAGE, this.perPage * 2);
    }
    const start = this.used;
    this.used += WORDS_PER_VEHICLE;
    return { words: this.page, start };
  }
}

interface Place {
  readonly lat: number;
  readonly lng: number;
}

/**
 * Where one vehicle was within the last hour, how fast, and when it sent something within the last two days. Every number is
 * a union, a minimum or a maximum per interval of time, so that it does not depend on the order or the repetition of events.
 */
export class Motion {
  private readonly words: Int32Array;
  private readonly start: number;

  /** @param at where its numbers are; those of a vehicle alone if omitted */
  constructor(at: MotionWords = new MotionPages(1).next()) {
    this.words = at.words;
    this.start = at.start;
  }

  /** Notes an event, with the place and the speed in metres per second that it reports. */
  note(timestamp: number, place: Place, speed: number | null): void {
    this.notePresence(timestamp);
    const at = this.bucketFor(timestamp);
    if (at === EMPTY) return;
    const { words } = this;
    const sinceStart = timestamp % BUCKET_MS;
    words[at + At.minutes]! |= 1 << Math.floor(sinceStart / MINUTE_MS);
    const lat = Math.round(place.lat * DEGREE_PARTS);
    const lng = Math.round(place.lng * DEGREE_PARTS);
    if (words[at + At.firstAt] === EMPTY) {
      words[at + At.firstAt] = sinceStart;
      words[at + At.south] = words[at + At.north] = lat;
      words[at + At.west] = words[at + At.east] = lng;
    } else {
      if (sinceStart < words[at + At.firstAt]!) words[at + At.firstAt] = sinceStart;
      if (lat < words[at + At.south]!) words[at + At.south] = lat;
      if (lat > words[at + At.north]!) words[at + At.north] = lat;
      if (lng < words[at + At.west]!) words[at + At.west] = lng;
      if (lng > words[at + At.east]!) words[at + At.east] = lng;
    }
    if (speed !== null) this.noteSpeed(at, [Math.round(speed * SPEED_PARTS), sinceStart, lat, lng]);
  }

  /** Adds what another motion of the vehicle has noted: the result is as if one had noted all events. */
  join(other: Motion): void {
    for (let at = 0; at < PRESENCE_AT; at += BUCKET_WORDS) {
      const start = other.start + at;
      this.joinBucket(this.start + at, other.words.subarray(start, start + BUCKET_WORDS));
    }
    const { words } = this;
    for (let at = PRESENCE_AT; at < WORDS_PER_VEHICLE; at += 2) {
      const own = this.start + at;
      const number = other.words[other.start + at]!;
      const bits = other.words[other.start + at + 1]!;
      if (number === EMPTY || number < words[own]!) continue;
      words[own + 1] = number === words[own] ? words[own + 1]! | bits : bits;
      words[own] = number;
    }
  }

  /** The highest speed since the interval of `BUCKET_MS` that contains `from`; of equal ones the first. */
  fastest(from: number): SpeedPeak | null {
    const { words } = this;
    let best = EMPTY;
    for (let index = 0; index < BUCKETS; index += 1) {
      const at = this.start + index * BUCKET_WORDS;
      if (words[at]! < Math.floor(from / BUCKET_MS) || words[at + At.speed] === EMPTY) continue;
      const isFaster = best === EMPTY || words[at + At.speed]! > words[best + At.speed]!;
      const isEqual = best !== EMPTY && words[at + At.speed] === words[best + At.speed];
      if (isFaster || (isEqual && words[at]! < words[best]!)) best = at;
    }
    if (best === EMPTY) return null;
    return {
      speed: words[best + At.speed]! / SPEED_PARTS,
      lat: words[best + At.speedLat]! / DEGREE_PARTS,
      lng: words[best + At.speedLng]! / DEGREE_PARTS,
      at: words[best]! * BUCKET_MS + words[best + At.speedAt]!,
    };
  }

  /**
   * Since when all positions are within `meters` of a place, to the north, south, east and west: the first position of the
   * first interval of which this holds, not before the interval of `from`. `null` if it does not hold for the newest interval.
   */
  nearSince(
    place: Place,
    { meters, from }: { readonly meters: number; readonly from: number },
  ): number | null {
    const { words } = this;
    const numbers = this.bucketsWithPositions();
    const reach = place.lat * DEGREE_PARTS;
    const northSouth = (meters / METERS_PER_DEGREE) * DEGREE_PARTS;
    const eastWest = northSouth / Math.max(0.01, Math.cos((place.lat * Math.PI) / 180));
    const across = place.lng * DEGREE_PARTS;
    let since: number | null = null;
    for (const at of numbers) {
      const isNear =
        reach - words[at + At.south]! <= northSouth &&
        words[at + At.north]! - reach <= northSouth &&
        across - words[at + At.west]! <= eastWest &&
        words[at + At.east]! - across <= eastWest;
      if (!isNear || words[at]! < Math.floor(from / BUCKET_MS)) break;
      since = words[at]! * BUCKET_MS + words[at + At.firstAt]!;
    }
    return since;
  }

  /** Whether it sent something within a minute of the last 70. */
  wasHeardInMinute(minute: number): boolean {
    const number = Math.floor((minute * MINUTE_MS) / BUCKET_MS);
    const at = this.start + (number % BUCKETS) * BUCKET_WORDS;
    return this.words[at] === number && (this.words[at + At.minutes]! & (1 << (minute % 5))) !== 0;
  }

  /** Whether it sent something within a quarter of an hour of the last two days, by its number since the epoch. */
  wasHeardInQuarter(quarter: number): boolean {
    const number = Math.floor(quarter / QUARTERS_PER_WORD);
    const at = this.start + PRESENCE_AT + 2 * (number % PRESENCE_WORDS);
    return this.words[at] === number && (this.words[at + 1]! & (1 << (quarter % QUARTERS_PER_WORD))) !== 0;
  }

  write(to: ByteWriter): void {
    const { words, start } = this;
    const used = this.bucketsInUse();
    const base = Math.max(0, ...used.map((at) => words[at]!));
    to.count(used.length);
    if (used.length > 0) to.count(base);
    for (const at of used) writeBucket(to, words.subarray(at, at + BUCKET_WORDS), base);
    for (let at = start + PRESENCE_AT; at < start + WORDS_PER_VEHICLE; at += 2) {
      to.count(words[at]! + 1);
      if (words[at] !== EMPTY) to.count(words[at + 1]! >>> 0);
    }
  }

  read(from: ByteReader): void {
    const { words, start } = this;
    const count = from.count();
    const base = count === 0 ? 0 : from.count();
    for (let index = 0; index < count; index += 1) {
      const number = base - from.count();
      readBucket(from, words, { at: start + (number % BUCKETS) * BUCKET_WORDS, number });
    }
    for (let at = start + PRESENCE_AT; at < start + WORDS_PER_VEHICLE; at += 2) {
      words[at] = from.count() - 1;
      words[at + 1] = words[at] === EMPTY ? EMPTY : from.count();
    }
  }

  /** Where the bucket of a time is, emptied if it was of an earlier time; `EMPTY` if a later one has its place. */
  private bucketFor(timestamp: number): number {
    const { words } = this;
    const number = Math.floor(timestamp / BUCKET_MS);
    const at = this.start + (number % BUCKETS) * BUCKET_WORDS;
    const stored = words[at]!;
    if (stored === number) return at;
    if (stored > number) return EMPTY;
    words[at] = number;
    words[at + At.minutes] = 0;
    words[at + At.firstAt] = EMPTY;
    words[at + At.speed] = EMPTY;
    return at;
  }

  private joinBucket(at: number, other: Int32Array): void {
    const { words } = this;
    if (other[At.number] === EMPTY || other[At.number]! < words[at]!) return;
    if (other[At.number]! > words[at]!) return words.set(other, at);
    words[at + At.minutes]! |= other[At.minutes]!;
    if (other[At.firstAt] === EMPTY) return;
    if (words[at + At.firstAt] === EMPTY) {
      return words.set(other.subarray(At.firstAt), at + At.firstAt);
    }
    for (const index of [At.firstAt, At.south, At.west]) {
      words[at + index] = Math.min(words[at + index]!, other[index]!);
    }
    for (const index of [At.north, At.east]) {
      words[at + index] = Math.max(words[at + index]!, other[index]!);
    }
    if (other[At.speed] === EMPTY) return;
    const peak = [At.speed, At.speedAt, At.speedLat, At.speedLng].map((index) => other[index]!);
    this.noteSpeed(at, peak as [number, number, number, number]);
  }

  private noteSpeed(at: number, peak: readonly [speed: number, at: number, lat: number, lng: number]): void {
    const { words } = this;
    const from = at + At.speed;
    if (!replacesPeak(peak, words, from)) return;
    for (let index = 0; index < peak.length; index += 1) words[from + index] = peak[index]!;
  }

  private notePresence(timestamp: number): void {
    const { words } = this;
    const quarter = Math.floor(timestamp / QUARTER_MS);
    const number = Math.floor(quarter / QUARTERS_PER_WORD);
    const at = this.start + PRESENCE_AT + 2 * (number % PRESENCE_WORDS);
    if (words[at]! > number) return;
    if (words[at]! < number) {
      words[at] = number;
      words[at + 1] = 0;
    }
    words[at + 1]! |= 1 << (quarter % QUARTERS_PER_WORD);
  }

  private bucketsInUse(): number[] {
    const used: number[] = [];
    for (let index = 0; index < BUCKETS; index += 1) {
      const at = this.start + index * BUCKET_WORDS;
      if (this.words[at] !== EMPTY) used.push(at);
    }
    return used;
  }

  /** Newest first. */
  private bucketsWithPositions(): number[] {
    const { words } = this;
    return this.bucketsInUse()
      .filter((at) => words[at + At.firstAt] !== EMPTY)
      .sort((a, b) => words[b]! - words[a]!);
  }
}

/** Higher speeds replace lower ones; of equal speeds the first, and of equal times the one with the lower numbers. */
function replacesPeak(
  peak: readonly [speed: number, at: number, lat: number, lng: number],
  words: Int32Array,
  from: number,
): boolean {
  if (words[from] === EMPTY || peak[0] !== words[from]) return peak[0] > words[from]!;
  for (let index = 1; index < peak.length; index += 1) {
    if (peak[index] !== words[from + index]) return peak[index]! < words[from + index]!;
  }
  return false;
}

/** Differences to what is usually close: a bucket takes about 25 bytes. */
function writeBucket(to: ByteWriter, bucket: Int32Array, base: number): void {
  const of = (at: number): number => bucket[at]!;
  to.count(base - of(At.number));
  to.count(of(At.minutes));
  to.count(of(At.firstAt) + 1);
  if (of(At.firstAt) === EMPTY) return;
  to.count(of(At.south) + 90 * DEGREE_PARTS);
  to.count(of(At.north) - of(At.south));
  to.count(of(At.west) + 180 * DEGREE_PARTS);
  to.count(of(At.east) - of(At.west));
  to.count(of(At.speed) + 1);
  if (of(At.speed) === EMPTY) return;
  to.count(of(At.speedAt));
  to.count(of(At.speedLat) - of(At.south));
  to.count(of(At.speedLng) - of(At.west));
}

function readBucket(
  from: ByteReader,
  words: Int32Array,
  { at, number }: { at: number; number: number },
): void {
  words[at] = number;
  words[at + At.minutes] = from.count();
  words[at + At.firstAt] = from.count() - 1;
  words[at + At.speed] = EMPTY;
  if (words[at + At.firstAt] === EMPTY) return;
  words[at + At.south] = from.count() - 90 * DEGREE_PARTS;
  words[at + At.north] = words[at + At.south]! + from.count();
  words[at + At.west] = from.count() - 180 * DEGREE_PARTS;
  words[at + At.east] = words[at + At.west]! + from.count();
  words[at + At.speed] = from.count() - 1;
  if (words[at + At.speed] === EMPTY) return;
  words[at + At.speedAt] = from.count();
  words[at + At.speedLat] = words[at + At.south]! + from.count();
  words[at + At.speedLng] = words[at + At.west]! + from.count();
}
