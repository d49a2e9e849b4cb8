import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader } from '../encoding/byte-reader.js';
import { ByteWriter } from '../encoding/byte-writer.js';
import { CityState } from '../fold/city-state.js';
import { OTHER_PROVIDER, PROVIDER, id, telemetry } from '../fold/events.fixture.js';
import { Presence, STEP_MS, type Visit } from './presence.js';
import { ZoneBook } from './zone-book.js';
import { parseZone } from './zone-file.js';
import type { Zone } from './zone.js';

const START = 1_760_000_000_000;
const LAT = 43.505;

function square(zoneId: string, west: number, east: number, drawnAt?: number): Zone {
  const ring = [
    [west, 43.5],
    [east, 43.5],
    [east, 43.51],
    [west, 43.51],
    [west, 43.5],
  ];
  const geometry = { type: 'Polygon', coordinates: [ring] };
  const feature = { type: 'Feature', id: zoneId, properties: { name: zoneId }, geometry };
  const parsed = parseZone(feature, drawnAt);
  if ('problems' in parsed) throw new Error(parsed.problems.join());
  return parsed.zone;
}

/** `near` and `far` overlap between 7.4 and 7.5. */
const zones = [square('near', 7.3, 7.5), square('far', 7.4, 7.6)];

interface Point {
  readonly vehicle: number;
  readonly time: number;
  readonly lng: number;
}

const point: fc.Arbitrary<Point> = fc.record({
  vehicle: fc.integer({ min: 0, max: 2 }),
  // Mostly minutes apart, sometimes more than a day.
  time: fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 0, max: 600_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 100_000_000 }) },
  ),
  lng: fc.constantFrom(7.2, 7.35, 7.45, 7.55, 7.7),
});

const ref = (vehicle: number) => ({
  deviceId: id(vehicle),
  providerId: vehicle === 2 ? OTHER_PROVIDER : PROVIDER,
});

/** Visits by definition: the steps of all positions, sorted, without those of a day before the newest word of steps. */
function bruteForce(points: readonly Point[], zone: Zone): Visit[] {
  const word = (step: number) => Math.floor(step / 32);
  const steps = points.map(({ time, lng }) => ({
    step: Math.floor((START + time) / STEP_MS),
    isInside: zone.contains(lng, LAT),
  }));
  const newest = Math.max(...steps.map(({ step }) => word(step)));
  const kept = [...new Set(steps.map(({ step }) => step))]
    .filter((step) => word(step) > newest - 270)
    .sort((one, other) => one - other);
  const visits: { -readonly [Field in keyof Visit]: Visit[Field] }[] = [];
  let before: boolean | null = null;
  let hasBeenOutside = false;
  for (const step of kept) {
    const isInside = steps.some((other) => other.step === step && other.isInside);
    const time = step * STEP_MS;
    if (isInside && before === true) visits.at(-1)!.lastAt = time;
    else if (isInside) visits.push({ enteredAt: time, isEntry: hasBeenOutside, lastAt: time, leftAt: null });
    else {
      if (before === true) visits.at(-1)!.leftAt = time;
      hasBeenOutside = true;
    }
    before = isInside;
  }
  return visits;
}

function observeAll(book: ZoneBook, points: readonly Point[]): void {
  for (const { vehicle, time, lng } of points) book.observe(ref(vehicle), { lat: LAT, lng }, START + time);
}

function bookOf(points: readonly Point[]): ZoneBook {
  const book = new ZoneBook(new CityState());
  book.setZones(zones);
  observeAll(book, points);
  return book;
}

function visitsIn(book: ZoneBook): Map<string, Visit[]> {
  const visits = new Map<string, Visit[]>();
  for (const { deviceId, presence } of book.all()) {
    for (const zone of presence.zones) visits.set(`${deviceId} ${zone.id}`, presence.visits(zone));
  }
  return visits;
}

describe(ZoneBook, () => {
  it('has the visits of all positions by event time, in whatever order and how often they arrive', () => {
    fc.assert(
      fc.property(fc.array(point, { minLength: 1, maxLength: 60 }), fc.nat(), (points, seed) => {
        const shuffled = [...points, ...points.filter((_, at) => at % 3 === 0)]
          .map((value, at) => ({ value, rank: Math.imul(at + seed, 0x9e3779b1) >>> 0 }))
          .sort((one, other) => one.rank - other.rank)
          .map(({ value }) => value);
        for (const order of [points, points.toReversed(), shuffled]) {
          const visits = visitsIn(bookOf(order));
          for (const vehicle of [0, 1, 2]) {
            const own = points.filter((of) => of.vehicle === vehicle);
            for (const zone of own.length === 0 ? [] : zones) {
              expect(visits.get(`${id(vehicle)} ${zone.id}`) ?? []).toEqual(bruteForce(own, zone));
            }
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('has the same visits after it was written, while positions were observed, and read', () => {
    const points = fc.array(point, { maxLength: 30 });
    fc.assert(
      fc.property(points, points, points, (before, meanwhile, after) => {
        const book = bookOf(before);
        const bytes = new ByteWriter();
        const rest = [...meanwhile];
        for (const _ of book.write(bytes)) observeAll(book, rest.splice(0, 1));
        observeAll(book, [...rest, ...after]);
        const restored = bookOf([]);
        restored.read(new ByteReader(bytes.finish()));
        observeAll(restored, [...meanwhile, ...after]);
        const ofZones = (of: ZoneBook) => [...visitsIn(of)].filter(([, visits]) => visits.length > 0).sort();
        expect(ofZones(restored)).toEqual(ofZones(book));
        expect(restored.countedSince).toBe(book.countedSince);
        expect(restored.vehicleCount).toBe(book.vehicleCount);
      }),
      { numRuns: 300 },
    );
  });

  it('does not compare positions that it has read with a zone that was changed meanwhile', () => {
    const city = new CityState();
    const location = { lat: LAT, lng: 7.55 };
    const event = telemetry({ device_id: id(1), timestamp: START + 20_000, location });
    city.fold(event, { receivedAt: START + 20_000, now: START });
    const bytes = new ByteWriter();
    for (const _ of bookOf([{ vehicle: 1, time: 0, lng: 7.7 }]).write(bytes));
    const restored = new ZoneBook(city);
    const changed = square('near', 7.5, 7.6);
    restored.setZones([changed]);
    restored.read(new ByteReader(bytes.finish()));
    restored.observe(ref(1), location, START + 60_000);
    const visit = { enteredAt: START + 60_000, isEntry: false, leftAt: null };
    expect([...restored.visits(changed)].map((of) => of.visit)).toMatchObject([visit]);
    // Also after another restart.
    const again = new ZoneBook(city);
    again.setZones([changed]);
    const written = new ByteWriter();
    for (const _ of restored.write(written));
    again.read(new ByteReader(written.finish()));
    expect([...again.visits(changed)].map((of) => of.visit)).toMatchObject([visit]);
  });

  it('does not compare earlier positions with a zone that is drawn around vehicles', () => {
    const book = new ZoneBook(new CityState());
    book.setZones([zones[0]!]);
    const observe = (time: number, lng: number) => book.observe(ref(1), { lat: LAT, lng }, START + time);
    observe(0, 7.55);
    observe(20_000, 7.55);
    const drawn = square('drawn', 7.4, 7.6, START + 30_000);
    book.setZones([zones[0]!, drawn]);
    observe(60_000, 7.55);
    expect([...book.visits(drawn)].map(({ visit }) => visit)).toMatchObject([
      { isEntry: false, leftAt: null },
    ]);
  });

  it('finds the newest visit from the newest position backwards, also of a zone that was drawn later', () => {
    const position = fc.record({ time: fc.integer({ min: 0, max: 2_000_000 }), isInside: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(position, { maxLength: 40 }),
        fc.option(fc.integer({ min: 0, max: 2_000_000 }), { nil: Number.NEGATIVE_INFINITY }),
        (positions, drawnAt) => {
          const presence = new Presence<object>();
          const zone = {};
          for (const { time, isInside } of positions) presence.observe(START + time, isInside ? [zone] : []);
          const since = START + drawnAt;
          expect(presence.newestVisit(zone, since)).toEqual(presence.visits(zone, since).at(-1) ?? null);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('keeps the steps of 24 hours', () => {
    const presence = new Presence<object>();
    const zone = {};
    presence.observe(START, []);
    presence.observe(START + 60_000, [zone]);
    presence.observe(START + 25 * 3_600_000, []);
    expect(presence.visits(zone)).toEqual([]);
    presence.forget();
    expect(presence.zoneCount).toBe(0);
    expect(presence.observe(START + 60_000, [zone])).toBe(false);
  });
});
