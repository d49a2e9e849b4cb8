import {
  cellOf,
  distanceMeters,
  fareScale,
  isZeroPosition,
  localTimeOffset,
  speedRatio,
  unitOfRatio,
  type Fix,
} from '@hailstream/events/plausibility';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CityEvent } from '../../fold/city-state.js';
import {
  id,
  NOW,
  PROVIDER,
  riderEvent,
  telemetry,
  tripReport,
  vehicleEvent,
} from '../../fold/events.fixture.js';
import { Feeds } from '../feeds.js';
import { Feed } from './feed.js';
import { IdBudget } from './recent-ids.js';
import type { Measures } from './measures.js';

const MINUTE = 60_000;

interface Note {
  readonly input: CityEvent;
  readonly receivedAt: number;
}

/** What the plain form finds in one event. */
interface Found {
  readonly receivedAt: number;
  readonly family: CityEvent['kind'];
  readonly names: readonly string[];
  readonly cell: number | null;
  readonly lateness: number | null;
  readonly publication: number | null;
  readonly ratio: number | null;
}

function idOf({ kind, event }: CityEvent): string {
  if (kind === 'telemetry') return event.telemetry_id;
  return kind === 'trips' ? event.trip_id : event.event_id;
}

/** What is compared of two events with the same id. */
function contentOf({ kind, event }: CityEvent): string {
  if (kind === 'rider-events') return `${event.trip_id} ${event.timestamp}`;
  return `${event.device_id} ${kind === 'trips' ? event.end_time : event.timestamp}`;
}

/** A second implementation of the measures: it stores every event and computes each measure from all of them. */
class PlainFeed {
  private readonly seen = new Map<string, string>();
  private readonly points = new Map<string, (Fix & { readonly receivedAt: number })[]>();
  private readonly anchors = new Map<string, Fix>();
  private readonly placedAt = new Map<string, number>();
  private readonly states = new Map<string, number>();

  find({ input, receivedAt }: Note): Found {
    const { kind, event } = input;
    const nothing = { receivedAt, family: kind, cell: null, lateness: null, publication: null, ratio: null };
    const known = this.seen.get(idOf(input));
    if (known === contentOf(input)) return { ...nothing, names: ['duplicates'] };
    if (known === undefined) this.seen.set(idOf(input), contentOf(input));
    const names = ['positions', ...(known === undefined ? [] : ['reusedIds'])];
    const place = kind === 'trips' ? event.start_location : event.location;
    if (isZeroPosition(place)) names.push('zeroPositions');
    const about = kind === 'telemetry' ? this.findPoint(input, receivedAt) : { names: [], ratio: null };
    names.push(...about.names, ...(kind === 'vehicle-events' ? this.findState(input) : []));
    if (kind === 'trips') names.push(...faresOf(input));
    const isTimed = kind !== 'trips' && !names.includes('repeats');
    const lateness = isTimed ? receivedAt - event.timestamp : null;
    if (lateness !== null && lateness < -3_000) names.push('ahead');
    if (lateness !== null && localTimeOffset(lateness) !== null) names.push('localTime');
    const published = 'publication_time' in event ? event.publication_time : undefined;
    const publication = published === undefined ? null : receivedAt - published;
    return { ...nothing, names, cell: cellOf(place), lateness, publication, ratio: about.ratio };
  }

  private findPoint(input: CityEvent, receivedAt: number): Pick<Found, 'names' | 'ratio'> {
    if (input.kind !== 'telemetry') return { names: [], ratio: null };
    const { device_id: device, timestamp, location, trip_ids: tripIds } = input.event;
    const points = this.points.get(device) ?? [];
    const before = points.at(-1);
    const fix = { ...location, timestamp, speed: location.speed, receivedAt };
    this.points.set(device, [...points, fix]);
    if (before === undefined || timestamp < before.timestamp) {
      this.anchors.set(device, fix);
      this.placedAt.set(device, timestamp);
      return { names: before === undefined ? [] : ['compared', 'outOfOrder'], ratio: null };
    }
    if (timestamp === before.timestamp) return { names: ['compared', 'repeats'], ratio: null };
    const isSamePlace = location.lat === before.lat && location.lng === before.lng;
    if (!isSamePlace) this.placedAt.set(device, timestamp);
    const intervalMs = timestamp - before.timestamp;
    const differs = Math.abs(receivedAt - before.receivedAt - intervalMs);
    const names = ['compared', differs < 500 || differs < intervalMs / 2 ? 'paced' : 'unpaced'];
    const isClose = intervalMs <= 120_000 && !isZeroPosition(location);
    if (isClose && (location.speed ?? 0) > 2 && (before.speed ?? 0) > 2) {
      names.push('moving', ...(isSamePlace ? ['stuck'] : []));
    }
    if (isClose && location.speed === undefined && (tripIds ?? []).length > 0) {
      const isStuck = timestamp - this.placedAt.get(device)! >= 90_000;
      names.push('onTrip', ...(isStuck ? ['stuckOnTrip'] : []));
    }
    const ratio = this.findRatio(device, fix);
    if (ratio !== null) names.push('ratios');
    const unit = ratio === null ? 'other' : unitOfRatio(ratio);
    const unitName = { metres: 'ratiosInMetres', miles: 'ratiosInMiles', kilometres: 'ratiosInKilometres' };
    return { names: unit === 'other' ? names : [...names, unitName[unit]], ratio };
  }

  private findRatio(device: string, fix: Fix): number | null {
    const anchor = this.anchors.get(device)!;
    if (distanceMeters(anchor, fix) < 15 && fix.timestamp - anchor.timestamp < 30_000) return null;
    this.anchors.set(device, fix);
    return speedRatio(anchor, fix);
  }

  private findState(input: CityEvent): string[] {
    if (input.kind !== 'vehicle-events') return [];
    const { device_id: device, timestamp } = input.event;
    const newest = this.states.get(device);
    this.states.set(device, Math.max(newest ?? timestamp, timestamp));
    if (newest === undefined) return [];
    return timestamp < newest ? ['compared', 'outOfOrder'] : ['compared'];
  }
}

function faresOf(input: CityEvent): string[] {
  const scale = input.kind === 'trips' ? fareScale(input.event) : null;
  if (scale === null) return [];
  if (scale === 'plausible') return ['fares'];
  return ['fares', scale === 'fare-in-units' ? 'faresInUnits' : 'faresTooHigh'];
}

/** The middle of the bucket of a quantile: four buckets for each doubling from 8 ms on. */
function quantileOf(values: readonly number[], q: number): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1]!;
  if (value < 8) return 0;
  const bucket = Math.min(103, 1 + Math.floor(Math.log2(value / 8) * 4));
  return Math.round(8 * 2 ** ((bucket - 0.5) / 4));
}

/** The part of the measures that the plain form has, of the events that were received in a time. */
function plainMeasures(
  found: readonly Found[],
  { from, to }: { readonly from: number; readonly to: number },
) {
  const within = found.filter(({ receivedAt }) => receivedAt >= from && receivedAt <= to);
  const counts: Record<string, number> = {};
  for (const { family, names } of within) {
    for (const name of [family, ...names]) counts[name] = (counts[name] ?? 0) + 1;
  }
  const lateness = within.flatMap(({ lateness: ms }) => ms ?? []);
  const publication = within.flatMap(({ publication: ms }) => ms ?? []);
  return {
    events: within.length,
    counts,
    lateness: [0.1, 0.5, 0.9, 0.99].map((q) => quantileOf(lateness, q)),
    publication: [0.5, 0.99].map((q) => quantileOf(publication, q)),
  };
}

function partOf({ events, counts, lateness, publication }: Measures) {
  const { p10, p50, p90, p99 } = lateness;
  return {
    events,
    counts: Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)),
    lateness: [p10, p50, p90, p99],
    publication: [publication.p50, publication.p99],
  };
}

const place = fc.oneof(
  { weight: 6, arbitrary: fc.nat(30).map((n) => ({ lat: 43.7 + n * 8e-5, lng: 7.42 })) },
  { weight: 1, arbitrary: fc.constantFrom(0, 0.005).map((lat) => ({ lat, lng: 0 })) },
  { weight: 1, arbitrary: fc.constantFrom(-179.9999, 179.9999, -180).map((lng) => ({ lat: -17.5, lng })) },
  { weight: 1, arbitrary: fc.nat(80).map((n) => ({ lat: n, lng: -n })) },
);
const timestamp = fc.oneof(
  { weight: 6, arbitrary: fc.nat(120).map((n) => NOW - n * 1_000) },
  { weight: 1, arbitrary: fc.integer({ min: -1_200_000, max: 9_000_000 }).map((n) => NOW - n) },
);
const speed = fc.option(fc.integer({ min: -1, max: 60 }), { nil: undefined });
const device_id = fc.nat(2).map(id);
/** Few ids, so that some are repeated. */
const some = (kind: number) => fc.oneof(fc.nat(5), fc.nat(100_000)).map((n) => id(kind * 1_000_000 + n));
const published = fc.option(fc.nat(5_000), { nil: undefined });
const event: fc.Arbitrary<CityEvent> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .record({ device_id, timestamp, telemetry_id: some(1), place, speed, isOnTrip: fc.boolean() })
      .map(({ place: { lat, lng }, speed: of, isOnTrip, ...change }) => {
        const location = { lat, lng, ...(of !== undefined && { speed: of }) };
        return telemetry({ ...change, location, trip_ids: isOnTrip ? [id(100)] : null });
      }),
  },
  fc
    .record({ device_id, timestamp, event_id: some(2), location: place, published })
    .map(({ published: ms, ...change }) => {
      return vehicleEvent({ ...change, ...(ms !== undefined && { publication_time: NOW - ms }) });
    }),
  fc.record({ timestamp, event_id: some(3), location: place }).map(riderEvent),
  fc
    .record({
      device_id,
      trip_id: some(4),
      end_time: timestamp,
      start_location: place,
      cost: fc.nat(400_000),
    })
    .map(({ cost, ...change }) =>
      tripReport({ ...change, actual_cost: Math.floor(cost ** 0.8), currency: 'EUR' }),
    ),
);
const received = fc.oneof(
  { weight: 5, arbitrary: fc.nat(90_000) },
  { weight: 1, arbitrary: fc.nat(3_600_000) },
);
const notes = fc
  .array(fc.record({ input: event, received }), { minLength: 1, maxLength: 120 })
  .map((drawn) => drawn.map(({ input, received: ago }): Note => ({ input, receivedAt: NOW - ago })));

describe(Feed, () => {
  it('measures what a plain form finds in the same events', () => {
    const startOf = (slotMs: number, count: number): number =>
      Math.floor(NOW / slotMs) * slotMs - (count - 1) * slotMs;
    fc.assert(
      fc.property(notes, (given) => {
        const feeds = new Feeds([]);
        const plain = new PlainFeed();
        const found = given.map((note) => {
          feeds.note(note.input, note.receivedAt);
          return plain.find(note);
        });
        const { minute, quarter, hour } = feeds.measures(NOW, PROVIDER)[0]!.measures;
        expect(partOf(minute)).toEqual(plainMeasures(found, { from: startOf(10_000, 6), to: NOW }));
        expect(partOf(quarter)).toEqual(plainMeasures(found, { from: startOf(MINUTE, 15), to: NOW }));
        expect(partOf(hour)).toEqual(plainMeasures(found, { from: startOf(MINUTE, 60), to: NOW }));
      }),
      { numRuns: 500 },
    );
  });

  it('counts positions by cell, and speeds by ratio, as a plain form does', () => {
    fc.assert(
      fc.property(notes, (given) => {
        const feed = new Feed(PROVIDER, { ids: new IdBudget(), devices: 0 });
        const plain = new PlainFeed();
        const cells = new Map<number, number>();
        const ratios = new Map<number, number>();
        const from = Math.floor(NOW / MINUTE) * MINUTE - 59 * MINUTE;
        for (const note of given) {
          feed.note(note.input, note.receivedAt);
          const { cell, ratio } = plain.find(note);
          if (note.receivedAt < from) continue;
          if (cell !== null) cells.set(cell, (cells.get(cell) ?? 0) + 1);
          if (ratio === null) continue;
          const bucket = Math.min(63, Math.max(0, Math.floor(Math.log2(ratio * 16) * 8)));
          ratios.set(bucket, (ratios.get(bucket) ?? 0) + 1);
        }
        const sum = feed.minutes.sum(NOW, 60);
        expect(new Map(sum.cells())).toEqual(cells);
        const counted = [...sum.ratios.entries()].filter(([, count]) => count > 0);
        expect(new Map(counted)).toEqual(ratios);
      }),
      { numRuns: 500 },
    );
  });
});
