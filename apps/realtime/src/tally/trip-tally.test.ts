import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader } from '../encoding/byte-reader.js';
import { ByteWriter } from '../encoding/byte-writer.js';
import { TripTally, waitQuantile, type TripCounts } from './trip-tally.js';

const START = 1_760_000_000_000 - (1_760_000_000_000 % 60_000);
const MINUTE_MS = 60_000;
const MINUTES = 30;
const range = { from: START, to: START + MINUTES * MINUTE_MS };

const time = fc.option(fc.integer({ min: -10, max: 40 * 60 }).map((second) => START + second * 1_000));
const trip = fc.record({
  requestedAt: time,
  reservedAt: time,
  pickedUpAt: time,
  completedAt: time,
  cancelledAt: time,
});
type Trip = typeof trip extends fc.Arbitrary<infer T> ? T : never;

function tallyOf(trips: readonly Trip[], stepMs = MINUTE_MS): TripTally {
  const tally = new TripTally(stepMs, range);
  for (const each of trips) tally.add(each, range.to);
  return tally;
}

function minutes(tally: TripTally) {
  return Array.from({ length: MINUTES }, (_, at) => tally.at(START + at * MINUTE_MS));
}

/** The seconds of an interval, one by one. */
function secondsWithin(minute: number, from: number | null, to: number): number {
  if (from === null) return 0;
  let count = 0;
  for (let second = START + minute * MINUTE_MS; second < START + (minute + 1) * MINUTE_MS; second += 1_000) {
    if (second >= from && second < to) count += 1;
  }
  return count * 1_000;
}

describe('TripTally', () => {
  it('counts trips per interval as a count of all trips does', () => {
    fc.assert(
      fc.property(fc.array(trip, { maxLength: 12 }), (trips) => {
        const counted = minutes(tallyOf(trips));
        for (let minute = 0; minute < MINUTES; minute += 1) {
          const inMinute = (at: number | null) =>
            at !== null && Math.floor((at - START) / MINUTE_MS) === minute;
          const sum = (of: (each: Trip) => number) => trips.reduce((total, each) => total + of(each), 0);
          const end = (each: Trip) => each.completedAt ?? each.cancelledAt ?? range.to;
          expect(counted[minute]?.requested ?? 0).toBe(trips.filter((t) => inMinute(t.requestedAt)).length);
          expect(counted[minute]?.completed ?? 0).toBe(trips.filter((t) => inMinute(t.completedAt)).length);
          expect(counted[minute]?.cancelled ?? 0).toBe(trips.filter((t) => inMinute(t.cancelledAt)).length);
          expect(counted[minute]?.busyMs ?? 0).toBe(sum((t) => secondsWithin(minute, t.reservedAt, end(t))));
          expect(counted[minute]?.waitingMs ?? 0).toBe(
            sum((t) => secondsWithin(minute, t.requestedAt, t.reservedAt ?? end(t))),
          );
        }
      }),
      { numRuns: 200 },
    );
  });

  it('is the same in parts, in any order, and after it was written and read', () => {
    fc.assert(
      fc.property(fc.array(trip, { maxLength: 12 }), fc.nat(12), (trips, half) => {
        const whole = tallyOf(trips);
        const parts = tallyOf(trips.slice(half).toReversed());
        parts.addAll(tallyOf(trips.slice(0, half)));
        const to = new ByteWriter();
        parts.write(to);
        const read = new TripTally(MINUTE_MS);
        read.read(new ByteReader(to.finish()));
        expect(minutes(parts)).toEqual(minutes(whole));
        expect(minutes(read)).toEqual(minutes(whole));
      }),
    );
  });

  it('drops intervals before a time', () => {
    const tally = tallyOf([
      {
        requestedAt: START,
        reservedAt: null,
        pickedUpAt: null,
        completedAt: null,
        cancelledAt: START + 120_000,
      },
    ]);
    tally.forget(START + 120_000);
    expect([tally.at(START), tally.at(START + 60_000)]).toEqual([null, null]);
    expect(tally.first).toBe(START + 120_000);
  });
});

describe('waitQuantile', () => {
  it('is within 5 % of the quantile of all waits', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 2, max: 1_500 }), { minLength: 1, maxLength: 80 }),
        (seconds) => {
          const trips = seconds.map((wait) => ({
            requestedAt: START,
            reservedAt: null,
            pickedUpAt: START + wait * 1_000,
            completedAt: null,
            cancelledAt: null,
          }));
          const parts = minutes(tallyOf(trips)).filter((each): each is TripCounts => each !== null);
          const sorted = seconds.toSorted((a, b) => a - b);
          for (const share of [0.5, 0.9]) {
            const exact = sorted[Math.ceil(sorted.length * share) - 1]! * 1_000;
            expect(Math.abs(waitQuantile(parts, share)! - exact) / exact).toBeLessThanOrEqual(0.05);
          }
        },
      ),
    );
  });

  it('is null without waits', () => {
    expect(waitQuantile([], 0.5)).toBeNull();
  });
});
