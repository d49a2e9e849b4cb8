import { randomUUID } from 'node:crypto';
import { riderEventFamily, telemetryFamily, tripFamily, vehicleEventFamily } from '@hailstream/events';
import type { Report } from '@hailstream/events/reports';
import { startTestBroker } from '@hailstream/log/testing';
import { latLngToCell } from 'h3-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPool, type Pool } from '../src/database/pool.postgres.js';
import { parsePeriod } from '../src/reports/period.js';
import { readReport, type ReportRequest } from '../src/reports/report-reader.postgres.js';
import {
  append,
  createLoadRunner,
  createTestDatabase,
  DAY_MS,
  makeRiderEvent,
  makeTelemetry,
  makeTrip,
  makeVehicleEvent,
  PROVIDER,
  silent,
  YESTERDAY,
  type TestDatabase,
  type TestRecord,
} from './_util.js';

const OTHER_PROVIDER = 'f7b2c3d4-0000-4000-8000-000000000002';
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const RIDES = 240;
const PORT = { lat: 43.7384, lng: 7.4246 };
const HILL = { lat: 43.7601, lng: 7.4801 };

/** A ride as the test knows it: nothing is derived from what the system stores. */
interface Ride {
  readonly providerId: string;
  readonly location: typeof PORT;
  readonly requestedMs: number;
  readonly waitMs: number;
  readonly rideMs: number;
  readonly end: 'completed' | 'rider' | 'driver' | 'open';
}

/** Rides of two days, more of them on the second one. Different in every respect, and the same in every run. */
const rides: readonly Ride[] = Array.from({ length: RIDES }, (_, index) => {
  const dayMs = YESTERDAY - (index % 3 === 0 ? DAY_MS : 0);
  return {
    providerId: index % 4 === 0 ? OTHER_PROVIDER : PROVIDER,
    location: index % 5 === 0 ? HILL : PORT,
    requestedMs: dayMs + ((index * 7_919) % 1_300) * MINUTE_MS + (index % 60) * 1_000,
    waitMs: (60 + ((index * 37) % 600)) * 1_000,
    rideMs: (300 + ((index * 53) % 1_200)) * 1_000,
    end: index % 9 === 0 ? 'rider' : index % 17 === 0 ? 'driver' : index % 31 === 0 ? 'open' : 'completed',
  };
});

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  await using broker = await startTestBroker();
  await using runner = await createLoadRunner(broker, database);
  await runner.migrate();
  const records = rides.map(eventsOf);
  await append(
    broker,
    riderEventFamily.topic.name,
    records.flatMap(({ rider }) => rider),
  );
  await append(
    broker,
    vehicleEventFamily.topic.name,
    records.flatMap(({ vehicle }) => vehicle),
  );
  await append(
    broker,
    tripFamily.topic.name,
    records.flatMap(({ trips }) => trips),
  );
  await append(
    broker,
    telemetryFamily.topic.name,
    records.flatMap(({ telemetry }) => telemetry),
  );
  await runner.load(new AbortController().signal);
  pool = createPool({ url: database.url, size: 1, logger: silent });
}, 120_000);
afterAll(async () => {
  await pool.end();
  await database[Symbol.asyncDispose]();
});

function eventsOf(ride: Ride) {
  const { providerId, location, requestedMs, waitMs, rideMs, end } = ride;
  const [tripId, deviceId] = [randomUUID(), randomUUID()];
  const pickUpMs = requestedMs + waitMs;
  const request = { trip_id: tripId, provider_id: providerId, location };
  const rider = [makeRiderEvent({ ...request, timestamp: requestedMs })];
  if (end === 'rider')
    rider.push(makeRiderEvent({ ...request, event_type: 'ride_cancel', timestamp: pickUpMs }));
  const vehicleEvent = (
    state: 'available' | 'reserved' | 'stopped' | 'on_trip',
    type: string,
    timestamp: number,
  ) =>
    makeVehicleEvent({
      device_id: deviceId,
      provider_id: providerId,
      vehicle_state: state,
      event_types: [type] as never,
      timestamp,
      location,
      trip_ids: [tripId],
    });
  const vehicle =
    end === 'open'
      ? []
      : [
          makeVehicleEvent({
            device_id: deviceId,
            provider_id: providerId,
            timestamp: requestedMs - 1_000,
            location,
          }),
          vehicleEvent('reserved', 'reservation_start', requestedMs + 10_000),
        ];
  if (end === 'completed') {
    vehicle.push(
      vehicleEvent('on_trip', 'trip_start', pickUpMs),
      vehicleEvent('stopped', 'trip_stop', pickUpMs + rideMs - 1_000),
      vehicleEvent('available', 'trip_end', pickUpMs + rideMs),
    );
  } else if (end !== 'open') {
    const type = end === 'rider' ? 'passenger_cancellation' : 'driver_cancellation';
    vehicle.push(vehicleEvent('available', type, pickUpMs));
  }
  const trip = makeTrip({
    trip_id: tripId,
    device_id: deviceId,
    provider_id: providerId,
    start_time: pickUpMs,
    end_time: pickUpMs + rideMs,
    duration: rideMs / 1_000,
  });
  const point = makeTelemetry({
    device_id: deviceId,
    provider_id: providerId,
    timestamp: pickUpMs,
    location,
  });
  const recordOf = (value: { device_id?: string; trip_id?: string }): TestRecord => ({
    key: value.trip_id ?? value.device_id!,
    value,
  });
  return {
    rider: rider.map(recordOf),
    vehicle: vehicle.map((value) => ({ key: deviceId, value })),
    trips: end === 'completed' ? [recordOf(trip)] : [],
    telemetry: [{ key: deviceId, value: point }],
  };
}

function report(given: Partial<ReportRequest> = {}): Promise<Report> {
  return readReport(pool, {
    period: parsePeriod('day', new Date(YESTERDAY).toISOString().slice(0, 10), 'UTC'),
    providerId: null,
    zone: null,
    minCount: 1,
    nowMs: Date.now(),
    ...given,
  });
}

const ofDay = (dayMs: number) => rides.filter(({ requestedMs: at }) => at >= dayMs && at < dayMs + DAY_MS);

/** The value below which a share of the values is, interpolated between its neighbours. */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  const position = (sorted.length - 1) * share;
  const [low, high] = [sorted[Math.floor(position)]!, sorted[Math.ceil(position)]!];
  return low + (high - low) * (position - Math.floor(position));
}

function expectFigures(
  { figures }: Report,
  expected: Readonly<Record<string, number>>,
  key: 'value' | 'previous' = 'value',
): void {
  for (const [id, value] of Object.entries(expected))
    expect(figures.find((figure) => figure.id === id)![key], id).toBeCloseTo(value, 6);
}

function figuresOf(some: readonly Ride[]): Record<string, number> {
  const completed = some.filter(({ end }) => end === 'completed');
  const cancelled = some.filter(({ end }) => end === 'rider' || end === 'driver');
  const waits = completed.map(({ waitMs }) => waitMs / 1_000);
  return {
    requests: some.length,
    completed: completed.length,
    cancelled: cancelled.length,
    completionShare: completed.length / (completed.length + cancelled.length),
    medianWait: quantile(waits, 0.5),
    p90Wait: quantile(waits, 0.9),
    medianRide: quantile(
      completed.map(({ rideMs }) => rideMs / 1_000),
      0.5,
    ),
  };
}

describe(readReport, () => {
  it('has the figures of the day and of the day before', async () => {
    const read = await report();
    expectFigures(read, figuresOf(ofDay(YESTERDAY)));
    expectFigures(read, figuresOf(ofDay(YESTERDAY - DAY_MS)), 'previous');
    expect(read.outcomes.map(({ outcome, rides: count }) => [outcome, count])).toEqual([
      ['completed', ofDay(YESTERDAY).filter(({ end }) => end === 'completed').length],
      ['cancelledByRider', ofDay(YESTERDAY).filter(({ end }) => end === 'rider').length],
      ['cancelledByDriver', ofDay(YESTERDAY).filter(({ end }) => end === 'driver').length],
      ['cancelledByProvider', 0],
      ['onTrip', 0],
      ['open', ofDay(YESTERDAY).filter(({ end }) => end === 'open').length],
    ]);
  });

  it('has the requests, pick-ups and waits of each hour', async () => {
    const { intervals } = await report();
    for (const [hour, interval] of intervals.entries()) {
      const from = YESTERDAY + hour * HOUR_MS;
      const isIn = (at: number): boolean => at >= from && at < from + HOUR_MS;
      const requested = rides.filter(({ requestedMs }) => isIn(requestedMs));
      const begun = rides.filter(
        ({ requestedMs, waitMs, end }) => end === 'completed' && isIn(requestedMs + waitMs),
      );
      const waits = requested.filter(({ end }) => end === 'completed').map(({ waitMs }) => waitMs / 1_000);
      expect(interval).toMatchObject({
        start: new Date(from).toISOString(),
        requests: requested.length,
        trips: begun.length,
      });
      if (waits.length === 0) expect(interval.medianWaitSeconds).toBeNull();
      else expect(interval.medianWaitSeconds).toBeCloseTo(quantile(waits, 0.5), 6);
    }
  });

  it('has the rides of a provider, and of a zone', async () => {
    const mine = ofDay(YESTERDAY).filter(({ providerId }) => providerId === OTHER_PROVIDER);
    expectFigures(await report({ providerId: OTHER_PROVIDER }), figuresOf(mine));
    const hill = { id: 'hill', name: 'Hill', cells: [latLngToCell(HILL.lat, HILL.lng, 9)] };
    const inZone = await report({ areas: [hill], zone: 'HILL' });
    expectFigures(inZone, figuresOf(ofDay(YESTERDAY).filter(({ location }) => location === HILL)));
    expect(inZone.zone).toBe('Hill');
    const { zones } = await report({ areas: [hill] });
    expect(zones).toMatchObject([
      { name: 'Hill', requests: ofDay(YESTERDAY).filter(({ location }) => location === HILL).length },
    ]);
  });

  it('has the days of a month that begins at midnight of the time zone', async () => {
    const month = new Date(YESTERDAY).toISOString().slice(0, 7);
    const period = parsePeriod('month', month, 'Asia/Seoul');
    const { intervals, hours, figures } = await report({ period });
    const inMonth = rides.filter(
      ({ requestedMs: at }) => at >= Date.parse(period.from) && at < Date.parse(period.to),
    );
    expect(figures.find(({ id }) => id === 'requests')!.value).toBe(inMonth.length);
    for (const { start, requests } of intervals) {
      const from = Date.parse(start);
      expect(requests, start).toBe(
        inMonth.filter(({ requestedMs: at }) => at >= from && at < from + DAY_MS).length,
      );
    }
    // Seoul is nine hours ahead of UTC.
    for (const { hour, requests } of hours) {
      const ofHour = inMonth.filter(({ requestedMs: at }) => (new Date(at).getUTCHours() + 9) % 24 === hour);
      expect(requests, `${hour}`).toBe(ofHour.length);
    }
  });

  it('has the cells of requests, and the positions', async () => {
    const { cells } = await report();
    const at = (location: typeof PORT) =>
      cells.find(({ cell }) => cell === latLngToCell(location.lat, location.lng, 8));
    for (const location of [PORT, HILL]) {
      const there = ofDay(YESTERDAY).filter((ride) => ride.location === location);
      expect(at(location)).toMatchObject({
        requests: there.length,
        unmet: there.filter(({ end }) => end !== 'completed').length,
      });
    }
    const positions = rides.filter(({ requestedMs, waitMs }) => {
      const time = requestedMs + waitMs;
      return time >= YESTERDAY && time < YESTERDAY + DAY_MS;
    });
    expect(cells.reduce((sum, cell) => sum + cell.positions!, 0)).toBe(positions.length);
  });

  it('has what providers sent', async () => {
    const { quality } = await report();
    expect(new Set(quality.map(({ providerId }) => providerId))).toEqual(new Set([PROVIDER, OTHER_PROVIDER]));
    const requests = ofDay(YESTERDAY);
    const riderEvents = requests.length + requests.filter(({ end }) => end === 'rider').length;
    // A cancellation may be after midnight.
    expect(Math.abs(quality.reduce((sum, row) => sum + row.riderEvents, 0) - riderEvents)).toBeLessThan(3);
  });

  it('knows nothing of a day without events', async () => {
    const day = new Date(YESTERDAY - 100 * DAY_MS).toISOString().slice(0, 10);
    const read = await report({ period: parsePeriod('day', day, 'UTC') });
    expectFigures(read, { requests: 0, trips: 0 });
    expect([read.cells, read.quality, read.states]).toEqual([[], [], []]);
  });

  it('shows no small count', async () => {
    const { intervals, outcomes, cells } = await report({ minCount: 5 });
    const shown = [
      ...intervals.flatMap(({ requests, trips, cancelled }) => [requests, trips, cancelled]),
      ...outcomes.map(({ rides: count }) => count),
      ...cells.flatMap(({ requests, unmet }) => [requests, unmet]),
    ];
    expect(shown.filter((count) => count !== null && count > 0 && count < 5)).toEqual([]);
    expect(shown).toContain(null);
  });
});
