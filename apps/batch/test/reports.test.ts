import { riderEventFamily, telemetryFamily, tripFamily, vehicleEventFamily } from '@hailstream/events';
import type { Report } from '@hailstream/events/reports';
import { startTestBroker } from '@hailstream/log/testing';
import { latLngToCell } from 'h3-js';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPool, withConnection, type Pool } from '../src/database/pool.postgres.js';
import { parsePeriod } from '../src/reports/period.js';
import { PeriodQuery } from '../src/reports/report-query.postgres.js';
import { readReport, type ReportRequest } from '../src/reports/report-reader.postgres.js';
import {
  eventsOf,
  HILL,
  LAST_POSITION_MS,
  OTHER_PROVIDER,
  PORT,
  positionsOf,
  rides,
  secondsOf,
  statesOf,
  type Ride,
} from './_report-rides.js';
import {
  append,
  createLoadRunner,
  createTestDatabase,
  DAY_MS,
  PROVIDER,
  silent,
  YESTERDAY,
  type TestDatabase,
} from './_util.js';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const QUARTER_MS = 15 * MINUTE_MS;
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
    [...records, ...records.filter((_, index) => isRepeated(index))].flatMap(({ telemetry }) => telemetry),
  );
  await runner.load(new AbortController().signal);
  pool = createPool({ url: database.url, size: 1, logger: silent });
}, 120_000);
afterAll(async () => {
  await pool.end();
  await database[Symbol.asyncDispose]();
});

/** Whether the positions of a ride are sent twice. */
function isRepeated(index: number): boolean {
  return index % 3 === 0;
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

const isYesterday = (atMs: number): boolean => atMs >= YESTERDAY && atMs < YESTERDAY + DAY_MS;

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

/** Rides with a pick-up yesterday. */
const pickedUp = (location: typeof PORT): readonly Ride[] =>
  rides.filter(
    (ride) =>
      ride.location === location && ride.end === 'completed' && isYesterday(ride.requestedMs + ride.waitMs),
  );

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
    const hill = { id: 'hill', name: 'Hill', cells: [latLngToCell(HILL.lat, HILL.lng, 9)], rings: [] };
    const inZone = await report({ areas: [hill], zone: 'HILL' });
    expectFigures(inZone, figuresOf(ofDay(YESTERDAY).filter(({ location }) => location === HILL)));
    expect(inZone.zone).toBe('Hill');
    const { zones } = await report({ areas: [hill] });
    expect(zones).toMatchObject([
      {
        name: 'Hill',
        requests: ofDay(YESTERDAY).filter(({ location }) => location === HILL).length,
        pickUps: pickedUp(HILL).length,
        previousRequests: ofDay(YESTERDAY - DAY_MS).filter(({ location }) => location === HILL).length,
      },
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
        pickUps: pickedUp(location).length,
      });
    }
    const positions = rides.flatMap(positionsOf).filter(isYesterday);
    expect(cells.reduce((sum, cell) => sum + cell.positions!, 0)).toBe(positions.length);
    // A position counts until the end of its quarter, at most two minutes.
    for (const location of [PORT, HILL]) {
      const availableSeconds = rides
        .filter((ride) => ride.location === location)
        .flatMap((ride) =>
          positionsOf(ride)
            .filter(isYesterday)
            .map((atMs) => {
              const until = Math.min(atMs + 2 * MINUTE_MS, atMs - (atMs % QUARTER_MS) + QUARTER_MS);
              const available = statesOf(ride).filter(({ state }) => state === 'available');
              return secondsOf(available, atMs, until);
            }),
        )
        .reduce((sum, seconds) => sum + seconds, 0);
      expect(availableSeconds).toBeGreaterThan(100);
      expect(at(location)!.availableHours).toBeCloseTo(availableSeconds / 3_600, 6);
    }
  });

  it('has the time of vehicles in each state, of the day and of each hour', async () => {
    for (const providerId of [null, OTHER_PROVIDER]) {
      const { states, intervals, figures } = await report({ providerId });
      const periods = rides
        .filter((ride) => providerId === null || ride.providerId === providerId)
        .flatMap(statesOf);
      const working = (from: number, to: number) => secondsOf(periods, from, to);
      const busy = (from: number, to: number) =>
        secondsOf(
          periods.filter(({ state }) => state === 'on_trip' || state === 'stopped'),
          from,
          to,
        );
      const day = [YESTERDAY, YESTERDAY + DAY_MS] as const;
      for (const { state, seconds } of states) {
        const own = periods.filter((period) => period.state === state);
        expect(seconds, state).toBeCloseTo(secondsOf(own, ...day), 3);
      }
      const hours = intervals.map((_, hour) => YESTERDAY + hour * HOUR_MS);
      const known = hours.filter((from) => working(from, from + HOUR_MS) > 0);
      expect(known.length).toBeGreaterThan(20);
      for (const [hour, from] of hours.entries()) {
        const { workingVehicles, utilisationShare } = intervals[hour]!;
        const seconds = working(from, from + HOUR_MS);
        if (seconds === 0) expect(workingVehicles).toBeNull();
        else expect(workingVehicles).toBeCloseTo(seconds / 3_600, 6);
        if (seconds > 0) expect(utilisationShare).toBeCloseTo(busy(from, from + HOUR_MS) / seconds, 6);
      }
      const cost = rides
        .filter(
          ({ end, requestedMs, waitMs, providerId: id }) =>
            end === 'completed' &&
            isYesterday(requestedMs + waitMs) &&
            (providerId === null || id === providerId),
        )
        .reduce((sum, { costCents }) => sum + costCents, 0);
      expectFigures({ figures } as Report, {
        workingVehicles: working(...day) / 3_600 / known.length,
        utilisationShare: busy(...day) / working(...day),
        earningsPerVehicleHour: cost / (working(...day) / 3_600),
      });
    }
  });

  it('has the positions of each hour, and those in a zone', async () => {
    const hill = { id: 'hill', name: 'Hill', cells: [latLngToCell(HILL.lat, HILL.lng, 9)], rings: [] };
    for (const zone of [null, 'hill']) {
      const { intervals } = await report({ areas: [hill], zone });
      const times = rides.filter(({ location }) => zone === null || location === HILL).flatMap(positionsOf);
      expect(intervals.map(({ positions }) => positions)).toEqual(
        intervals.map(({ start }) => {
          const from = Date.parse(start);
          return times.filter((atMs) => atMs >= from && atMs < from + HOUR_MS).length;
        }),
      );
    }
  });

  it('reads no telemetry and no events', async () => {
    const day = new Date(YESTERDAY).toISOString();
    const period = parsePeriod('month', day.slice(0, 7), 'UTC');
    const asked: { readonly sql: string; readonly values: unknown[] }[] = [];
    const scanned = new Set<string>();
    await withConnection(pool, async (client) => {
      const recording = {
        query: (sql: string, values: unknown[]) => {
          asked.push({ sql, values });
          return client.query(sql, values);
        },
      } as unknown as pg.ClientBase;
      const query = new PeriodQuery(recording, period, { providerId: null, area: null });
      await query.totals();
      await query.vehicleTime();
      await query.earnings();
      await query.series('interval');
      await query.series('hour');
      await query.cells();
      await query.zones([
        { id: 'hill', name: 'Hill', cells: [latLngToCell(HILL.lat, HILL.lng, 9)], rings: [] },
      ]);
      await query.quality();
      await query.rejects();
      await query.comparison();
      for (const { sql, values } of asked) {
        const { rows } = await client.query<{ 'QUERY PLAN': unknown }>(
          `EXPLAIN (FORMAT JSON) ${sql}`,
          values,
        );
        for (const [, relation] of JSON.stringify(rows).matchAll(/"Relation Name":"([^"]+)"/g))
          scanned.add(relation!);
      }
    });
    expect(asked.length).toBeGreaterThan(10);
    expect(scanned).toContain('cell_quarters');
    // Names of partitions begin with that of their table.
    expect([...scanned].filter((name) => /^(telemetry|vehicle_events|rider_events)/.test(name))).toEqual([]);
  });

  it('has what providers sent', async () => {
    const { quality } = await report();
    expect(new Set(quality.map(({ providerId }) => providerId))).toEqual(new Set([PROVIDER, OTHER_PROVIDER]));
    const requests = ofDay(YESTERDAY);
    const riderEvents = requests.length + requests.filter(({ end }) => end === 'rider').length;
    // A cancellation may be after midnight.
    expect(Math.abs(quality.reduce((sum, row) => sum + row.riderEvents, 0) - riderEvents)).toBeLessThan(3);
    for (const { providerId, positions, trips, duplicates, silences, silenceSeconds, late } of quality) {
      const mine = rides.filter((ride) => ride.providerId === providerId);
      const repeated = rides.filter((ride, index) => ride.providerId === providerId && isRepeated(index));
      const times = mine.flatMap(positionsOf).filter(isYesterday);
      const silent = mine.filter((ride) => ride.isHeardLater && isYesterday(positionsOf(ride)[1]!));
      expect({ positions, duplicates, silences, silenceSeconds, late }).toEqual({
        positions: times.length,
        duplicates: repeated.flatMap(positionsOf).filter(isYesterday).length,
        silences: silent.length,
        silenceSeconds: silent.reduce((sum, { rideMs }) => sum + (rideMs + LAST_POSITION_MS) / 1_000, 0),
        // They are loaded a day after their time.
        late: times.length,
      });
      expect(trips).toBe(
        mine.filter(
          ({ end, requestedMs, waitMs, rideMs }) =>
            end === 'completed' && isYesterday(requestedMs + waitMs + rideMs),
        ).length,
      );
    }
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
