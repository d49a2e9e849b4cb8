import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { environment, System, temporaryHome } from './_system.js';
import { startTcpProxy } from './_tcp-proxy.js';

const PAST = fileURLToPath(new URL('../apps/driver-sim/dist/past.js', import.meta.url));
const VEHICLES = 30;
const MINUTES = 25;
/** The network is cut for a moment, again and again. */
const CUT_EVERY_MS = 1_500;
const CUT_MS = 100;
/** The last event of a vehicle and the report of a rider are at most this far apart: events of a device have distinct times. */
const SAME_TIME_MS = 5;

/** A ride as the simulator has written it. Times are in milliseconds. */
interface TrueRide {
  readonly trip_id: string;
  readonly rider_id: string;
  readonly device_id: string | null;
  readonly requested_at: number;
  readonly assigned_at: number | null;
  readonly picked_up_at: number | null;
  readonly dropped_off_at: number | null;
  readonly cancelled_at: number | null;
  readonly cancelled_by: string | null;
  readonly distance_meters: number | null;
  readonly deadhead_meters: number | null;
}

type RebuiltTrip = Readonly<Record<string, unknown>> & {
  readonly trip_id: string;
  readonly distance_meters: number | null;
  readonly deadhead_meters: number | null;
};

/** Simulates a past time through a network that is cut again and again. Returns the lines of the rides. */
async function simulate(ingestUrl: string, token: string, truthFile: string): Promise<TrueRide[]> {
  await using network = await startTcpProxy(ingestUrl);
  const args = ['--minutes', String(MINUTES), '--vehicles', String(VEHICLES), '--truth', truthFile, '--json'];
  const child = spawn(process.execPath, [PAST, ...args], {
    env: environment({ INGEST_URL: network.origin, INGEST_TOKEN: token }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [output, problems] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (problems += text));
  const faults = setInterval(() => {
    network.cut();
    setTimeout(() => network.restore(), CUT_MS);
  }, CUT_EVERY_MS);
  const code = await new Promise((resolve) => child.once('close', resolve));
  clearInterval(faults);
  expect(code, problems).toBe(0);
  const rides = (await readFile(truthFile, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as TrueRide);
  const result = JSON.parse(output) as { rides: number; retried: number; rejected: number };
  expect(result).toMatchObject({ rides: rides.length, rejected: 0 });
  expect(result.retried).toBeGreaterThan(0);
  return rides;
}

async function readRebuilt(databaseUrl: string): Promise<Map<string, RebuiltTrip>> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query<RebuiltTrip>('SELECT * FROM ride.rebuilt_trips');
  const verdicts = await client.query('SELECT DISTINCT verdict FROM analysis.trip_comparison');
  const violations = await client.query('SELECT * FROM analysis.state_violations');
  await client.end();
  // The reports of the simulator are true, and its vehicles follow the state machine.
  expect(verdicts.rows).toEqual([{ verdict: 'matches' }]);
  expect(violations.rows).toEqual([]);
  return new Map(rows.map((row) => [row.trip_id, row]));
}

describe('trips rebuilt from the events of a simulated city, sent through a failing network', () => {
  it('are the rides of the simulation, with distances within 1 %', async () => {
    await using home = await temporaryHome();
    await using system = await System.start(home.folder, { args: ['--no-sim', '--batch-every', '5s'] });
    const { ingestUrl, databaseUrl } = await system.run();
    const token = await system.token('write');
    const rides = await simulate(ingestUrl, token, join(home.folder, 'truth.jsonl'));
    expect(await system.command(['batch', 'run'])).toMatchObject({ code: 0 });
    const rebuilt = await readRebuilt(databaseUrl);

    expect([...rebuilt.keys()].toSorted()).toEqual(rides.map(({ trip_id }) => trip_id).toSorted());
    const completed = rides.filter(({ dropped_off_at }) => dropped_off_at !== null);
    expect(completed.length).toBeGreaterThan(50);
    for (const ride of rides) {
      const trip = rebuilt.get(ride.trip_id)!;
      const { rider_id, device_id, cancelled_by } = ride;
      expect(trip).toMatchObject({ rider_id, device_id, cancelled_by });
      expect(trip['state']).toBe(ride.dropped_off_at === null ? 'cancelled' : 'completed');
      for (const name of [
        'requested_at',
        'assigned_at',
        'picked_up_at',
        'dropped_off_at',
        'cancelled_at',
      ] as const) {
        const [at, true_at] = [(trip[name] as Date | null)?.getTime() ?? null, ride[name]];
        if (true_at === null) expect(at, name).toBeNull();
        else expect(Math.abs(at! - true_at), `${name} of ${ride.trip_id}`).toBeLessThanOrEqual(SAME_TIME_MS);
      }
    }
    const off = completed.filter(({ trip_id, distance_meters: meters }) => {
      return Math.abs(rebuilt.get(trip_id)!.distance_meters! - meters!) > Math.max(5, 0.01 * meters!);
    });
    expect(off.map((ride) => [ride.distance_meters, rebuilt.get(ride.trip_id)!.distance_meters])).toEqual([]);
    const sum = (values: (number | null)[]): number =>
      values.reduce<number>((total, value) => total + (value ?? 0), 0);
    const trips = rides.map(({ trip_id }) => rebuilt.get(trip_id)!);
    for (const name of ['distance_meters', 'deadhead_meters'] as const) {
      const ratio = sum(trips.map((trip) => trip[name])) / sum(rides.map((ride) => ride[name]));
      expect(Math.abs(ratio - 1), `${name}: ${ratio} of the distance of the simulation`).toBeLessThan(0.01);
    }
  });
});
