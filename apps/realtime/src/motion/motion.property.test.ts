import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader } from '../encoding/byte-reader.js';
import { ByteWriter } from '../encoding/byte-writer.js';
import { BUCKET_MS, Motion, QUARTER_MS } from './motion.js';

const NOW = 1_760_000_123_000;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
/** Millionths of a degree. */
const METER = 1 / 111_195;

interface Point {
  readonly at: number;
  readonly lat: number;
  readonly lng: number;
  readonly speed: number | null;
}

const at = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 0, max: 3 * HOUR_MS }).map((ms) => NOW - ms) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 60 * HOUR_MS }).map((ms) => NOW - ms) },
  { weight: 3, arbitrary: fc.nat(40).map((n) => NOW - n * 30_000) },
);
const point: fc.Arbitrary<Point> = fc
  .record({
    at,
    north: fc.integer({ min: -40, max: 40 }),
    east: fc.integer({ min: -40, max: 40 }),
    far: fc.constantFrom(0, 0, 0, 0, 0.01),
    speed: fc.option(fc.integer({ min: 0, max: 30 })),
  })
  .map(({ at: time, north, east, far, speed }) => ({
    at: time,
    lat: Math.round((43.7 + north * METER + far) * 1e6) / 1e6,
    lng: Math.round((7.4 + east * METER) * 1e6) / 1e6,
    speed,
  }));
const points = fc.array(point, { minLength: 1, maxLength: 60 });

function motionOf(given: readonly Point[]): Motion {
  const motion = new Motion();
  for (const { at: time, lat, lng, speed } of given) motion.note(time, { lat, lng }, speed);
  return motion;
}

function copyOf(motion: Motion): Motion {
  const to = new ByteWriter();
  motion.write(to);
  const copy = new Motion();
  const from = new ByteReader(to.finish());
  copy.read(from);
  expect(from.isAtEnd).toBe(true);
  return copy;
}

/** Everything that is asked of a vehicle's motion. */
function view(motion: Motion, place: { lat: number; lng: number }) {
  const minute = Math.floor(NOW / MINUTE_MS);
  const quarter = Math.floor(NOW / QUARTER_MS);
  return {
    fastest: motion.fastest(NOW - HOUR_MS),
    nearSince: motion.nearSince(place, { meters: 50, from: NOW - HOUR_MS }),
    minutes: Array.from({ length: 70 }, (_, back) => motion.wasHeardInMinute(minute - back)),
    quarters: Array.from({ length: 192 }, (_, back) => motion.wasHeardInQuarter(quarter - back)),
  };
}

/** The same by the definition, from all points. */
function expected(given: readonly Point[], place: { lat: number; lng: number }): ReturnType<typeof view> {
  const minute = Math.floor(NOW / MINUTE_MS);
  const quarter = Math.floor(NOW / QUARTER_MS);
  const bucketOf = (time: number) => Math.floor(time / BUCKET_MS);
  const newest = Math.max(...given.map(({ at: time }) => bucketOf(time)));
  const kept = given.filter(({ at: time }) => bucketOf(time) > newest - 15 || isAlone(time));
  // A bucket is replaced by the one that is 15 intervals later, and otherwise stays.
  function isAlone(time: number): boolean {
    return !given.some(
      (other) => bucketOf(other.at) > bucketOf(time) && (bucketOf(other.at) - bucketOf(time)) % 15 === 0,
    );
  }
  const fast = kept
    .filter(({ at: time, speed }) => speed !== null && bucketOf(time) >= bucketOf(NOW - HOUR_MS))
    .toSorted((a, b) => b.speed! - a.speed! || a.at - b.at || a.lat - b.lat || a.lng - b.lng);
  const isNear = ({ lat, lng }: Point) =>
    Math.abs(lat - place.lat) <= 50 * METER &&
    Math.abs(lng - place.lng) <= (50 * METER) / Math.cos((place.lat * Math.PI) / 180);
  const buckets = [...new Set(kept.map(({ at: time }) => bucketOf(time)))].toSorted((a, b) => b - a);
  let nearSince: number | null = null;
  for (const bucket of buckets) {
    const within = kept.filter(({ at: time }) => bucketOf(time) === bucket);
    if (!within.every(isNear) || bucket < bucketOf(NOW - HOUR_MS)) break;
    nearSince = Math.min(...within.map(({ at: time }) => time));
  }
  const [first] = fast;
  return {
    fastest:
      first === undefined ? null : { speed: first.speed!, lat: first.lat, lng: first.lng, at: first.at },
    nearSince,
    minutes: Array.from({ length: 70 }, (_, back) =>
      given.some(({ at: time }) => Math.floor(time / MINUTE_MS) === minute - back),
    ),
    quarters: Array.from({ length: 192 }, (_, back) =>
      given.some(({ at: time }) => Math.floor(time / QUARTER_MS) === quarter - back),
    ),
  };
}

describe('the motion of a vehicle', { timeout: 60_000 }, () => {
  it('is that of all its points, in any order and with repetitions', () => {
    fc.assert(
      fc.property(
        points.chain((given) =>
          fc.tuple(
            fc.constant(given),
            fc
              .array(fc.constantFrom(...given), { maxLength: 20 })
              .chain((again) =>
                fc.shuffledSubarray([...given, ...again], { minLength: given.length + again.length }),
              ),
          ),
        ),
        ([given, shuffled]) => {
          const place = given.toSorted((a, b) => b.at - a.at)[0]!;
          const motion = motionOf(shuffled);
          expect(view(motion, place)).toEqual(expected(given, place));
          expect(view(copyOf(motion), place)).toEqual(view(motion, place));
        },
      ),
      { numRuns: 400 },
    );
  });
});
