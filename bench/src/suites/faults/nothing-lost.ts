import { setTimeout as pause } from 'node:timers/promises';
import { telemetryTopic } from '@hailstream/events';
import { createAdmin, createBatchConsumer } from '@hailstream/log';
import { createLogger } from '@hailstream/nest';
import { Client } from 'pg';
import type { ClusteredSystem } from './system.js';

/** Longest until everything that was accepted is in Postgres, and on both pages. */
const SETTLE_MS = 180_000;
const POLL_MS = 500;
const logger = createLogger({ name: 'bench', level: 'silent' });

interface Vehicles {
  readonly vehicles: readonly { readonly device_id: string; readonly timestamp: number }[];
}

/**
 * Looks for every accepted event in the log and in Postgres, and compares what the two realtime processes show.
 *
 * @returns what was found
 * @throws Error where something is missing, is in Postgres twice, or is shown differently
 */
export async function checkNothingLost(
  system: ClusteredSystem,
  accepted: ReadonlySet<string>,
  readToken: string,
): Promise<string> {
  const log = await idsInLog(system);
  requireAll('the log', accepted, log.ids);
  const rows = await idsInPostgres(system.databaseUrl, log.ids.size);
  requireAll('Postgres', accepted, new Set(rows));
  if (new Set(rows).size !== rows.length) throw new Error('Postgres has an event twice');
  const devices = await devicesShown(system, readToken);
  return `${accepted.size} events accepted, all of them in the log (with ${log.records - log.ids.size} repeats) and once in Postgres (${rows.length} rows); both realtimes show the same ${devices} devices`;
}

function requireAll(place: string, accepted: ReadonlySet<string>, found: ReadonlySet<string>): void {
  const missing = [...accepted].filter((id) => !found.has(id));
  if (missing.length === 0) return;
  throw new Error(
    `${missing.length} of ${accepted.size} accepted events are not in ${place}: ${missing.slice(0, 5).join(', ')} …`,
  );
}

async function idsInLog({ kafka }: ClusteredSystem): Promise<{ ids: Set<string>; records: number }> {
  const connection = { brokers: kafka.addresses, clientId: 'bench' };
  await using admin = createAdmin({ connection, logger });
  const ends = [...(await admin.offsets(telemetryTopic.name)).values()];
  const total = Number(ends.reduce((sum, { earliest, latest }) => sum + latest - earliest, 0n));
  const ids = new Set<string>();
  let records = 0;
  await using consumer = createBatchConsumer({
    connection,
    logger,
    groupId: 'bench',
    topics: [telemetryTopic.name],
    offsets: { kind: 'everything-since', timestampMs: 0 },
    handler: async (batch) => {
      for (const { value } of batch.records) {
        ids.add((JSON.parse(String(value)) as { telemetry_id: string }).telemetry_id);
        records += 1;
      }
      await Promise.resolve();
    },
  });
  await consumer.start();
  await until(`all ${total} records were read`, () => Promise.resolve(records >= total));
  return { ids, records };
}

async function idsInPostgres(databaseUrl: string, wanted: number): Promise<string[]> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await until(`${wanted} rows were loaded`, async () => {
      const { rows } = await client.query<{ count: string }>('SELECT count(*) FROM ride.telemetry');
      return Number(rows[0]?.count) >= wanted;
    });
    const { rows } = await client.query<{ id: string }>('SELECT telemetry_id AS id FROM ride.telemetry');
    return rows.map(({ id }) => id);
  } finally {
    await client.end();
  }
}

async function devicesShown(system: ClusteredSystem, token: string): Promise<number> {
  const shown = async (): Promise<string[]> =>
    Promise.all(
      system.urls('realtime').map(async (url) => {
        const response = await fetch(`${url}/vehicles`, { headers: { authorization: `Bearer ${token}` } });
        const { vehicles } = (await response.json()) as Vehicles;
        return JSON.stringify(vehicles.toSorted((a, b) => (a.device_id < b.device_id ? -1 : 1)));
      }),
    );
  let last: string[] = [];
  await until('both realtimes show the same', async () => {
    last = await shown();
    return new Set(last).size === 1;
  });
  return (JSON.parse(last[0] ?? '[]') as unknown[]).length;
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + SETTLE_MS;
  while (!(await isSo())) {
    if (performance.now() > giveUpAt) throw new Error(`not within ${SETTLE_MS / 1_000} s: ${what}`);
    await pause(POLL_MS);
  }
}
