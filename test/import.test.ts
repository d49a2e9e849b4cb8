import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { queryRows } from './_stores.js';
import { System, temporaryHome } from './_system.js';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** Rides in the night in which New York sets its clocks forward: 01:59:59 is followed by 03:00:00, at 07:00 UTC. */
const FIRST_MS = Date.UTC(2013, 2, 10, 5);
const RIDES = 240;
const RIDES_WITHOUT_END = 15;
const TAXIS = 20;

interface KnownRide {
  readonly startMs: number;
  readonly endMs: number;
}

/** Starts are 61 s apart, rides take 5 to 18 minutes, and every taxi is free when its next ride starts. */
const rides = Array.from({ length: RIDES }, (_none, number): KnownRide => {
  const startMs = FIRST_MS + number * 61_000;
  return { startMs, endMs: startMs + 300_000 + ((number * 37) % 780) * 1_000 };
});

const swedish = new Intl.DateTimeFormat('sv-SE', {
  timeZone: 'America/New_York',
  dateStyle: 'short',
  timeStyle: 'medium',
});

function makeFile(): string {
  const events = rides.flatMap(({ startMs, endMs }, number) => {
    const [start, end] = [startMs, endMs].map((time) => swedish.format(time));
    const taxi = 2_013_000_000 + (number % TAXIS);
    const rest = `-73.99,40.7${String(number).padStart(3, '0')},-73.95,40.78,2,${taxi},${taxi + 5_000}`;
    return [
      { atMs: startMs, line: `${number},START,${start},1970-01-01 00:00:00,${rest}` },
      { atMs: endMs, line: `${number},END,${end},${start},${rest}` },
    ];
  });
  const hasEnded = ({ line }: { line: string }): boolean =>
    !line.includes(',END,') || Number(line.split(',')[0]) < RIDES - RIDES_WITHOUT_END;
  const lines = events
    .toSorted((a, b) => a.atMs - b.atMs)
    .filter(hasEnded)
    .map(({ line }) => line);
  const withoutPosition =
    '9000,START,2013-03-10 03:20:00,1970-01-01 00:00:00,0,0,0,0,1,2013000001,2013000001';
  const neverShown =
    '9001,START,2013-03-10 02:30:00,1970-01-01 00:00:00,-73.9,40.7,-73.9,40.7,1,2013000001,1';
  return [...lines, withoutPosition, neverShown, lines[7], ''].join('\r\n');
}

interface ImportResult {
  readonly sent: number;
  readonly accepted: number;
  readonly shiftedDays: number;
}

describe('an imported file of rides', () => {
  it('answers trips per hour, durations and waits as the file does, even if it is imported twice', async () => {
    await using home = await temporaryHome();
    const file = join(home.folder, 'rides.csv');
    await writeFile(file, makeFile());
    await using system = await System.start(home.folder, { args: ['--no-sim', '--batch-every', '1h'] });
    const ended = rides.slice(0, RIDES - RIDES_WITHOUT_END);
    const runImport = async (): Promise<ImportResult> => {
      const { code, stdout, stderr } = await system.command(['import', 'nyc-taxi', file, '--json']);
      expect({ code, stderr }).toMatchObject({ code: 0 });
      return JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as ImportResult;
    };
    const load = async (): Promise<void> => {
      const { code, stderr } = await system.command(['batch', 'run', '--json']);
      expect({ code, stderr }).toMatchObject({ code: 0 });
    };
    const events = 2 * RIDES + 2 * ended.length;
    const first = await runImport();
    expect(first).toMatchObject({
      sent: events,
      accepted: events,
      rejected: 0,
      rows: RIDES + ended.length + 3,
      converted: RIDES + ended.length,
      skipped: { 'no position': 1, 'no such local time': 1, repeated: 1 },
      devices: TAXIS,
      overlapping: 0,
    });
    await load();
    const check = async (): Promise<void> => {
      const moved = (timeMs: number): number => timeMs + first.shiftedDays * DAY_MS;
      expect(await tripsPerHour(system)).toEqual(expectedHours(ended, moved));
      const durations = await numbers(system, 'SELECT duration AS n FROM ride.trips ORDER BY start_time');
      expect(durations).toEqual(ended.map(({ startMs, endMs }) => (endMs - startMs) / 1_000));
      const waits = await numbers(
        system,
        `SELECT extract(epoch FROM e."timestamp" - r."timestamp")::float8 AS n
         FROM ride.rider_events r JOIN ride.vehicle_events e ON r.trip_id = e.trip_ids[1]
         WHERE r.event_type = 'ride_request' AND 'trip_start' = ANY (e.event_types)`,
      );
      expect(waits).toEqual(rides.map(() => 0));
      expect(await numbers(system, 'SELECT count(*) AS n FROM ride.vehicle_events')).toEqual([
        RIDES + ended.length,
      ]);
    };
    await check();

    expect(await runImport()).toMatchObject({
      sent: events,
      accepted: events,
      shiftedDays: first.shiftedDays,
    });
    await load();
    await check();
  });
});

function expectedHours(
  ended: readonly KnownRide[],
  moved: (timeMs: number) => number,
): Record<string, number> {
  const hours: Record<string, number> = {};
  for (const { startMs } of ended) {
    const hour = new Date(Math.floor(moved(startMs) / HOUR_MS) * HOUR_MS).toISOString();
    hours[hour] = (hours[hour] ?? 0) + 1;
  }
  return hours;
}

async function tripsPerHour(system: System): Promise<Record<string, number>> {
  const rows = await queryRows<{ hour: Date; trips: string; median_wait_seconds: number }>(
    system,
    'SELECT hour, trips, median_wait_seconds FROM analysis.trips_per_hour',
  );
  expect(rows.map(({ median_wait_seconds: wait }) => wait)).toEqual(rows.map(() => 0));
  return Object.fromEntries(rows.map(({ hour, trips }) => [hour.toISOString(), Number(trips)]));
}

async function numbers(system: System, sql: string): Promise<number[]> {
  return (await queryRows<{ n: number | string }>(system, sql)).map(({ n }) => Number(n));
}
