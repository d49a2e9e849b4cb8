import { setTimeout as pause } from 'node:timers/promises';
import {
  riderEventFamily,
  telemetryFamily,
  tripFamily,
  vehicleEventFamily,
  type EventFamily,
} from '@hailstream/events';
import { createAdmin, createBatchConsumer } from '@hailstream/log';
import { createLogger } from '@hailstream/nest';
import type { Pool } from 'pg';
import type { ClusteredSystem, SimulatedEvents } from './system.js';

/** Longest until everything that was accepted is in Postgres, and on both pages. */
const SETTLE_MS = 180_000;
const POLL_MS = 500;
const logger = createLogger({ name: 'bench', level: 'silent' });

/** Each family of events, and where its ids are in Postgres. */
const families = [
  { family: telemetryFamily as EventFamily<never>, table: 'telemetry', id: 'telemetry_id' },
  { family: vehicleEventFamily as EventFamily<never>, table: 'vehicle_events', id: 'event_id' },
  { family: riderEventFamily as EventFamily<never>, table: 'rider_events', id: 'event_id' },
  { family: tripFamily as EventFamily<never>, table: 'trips', id: 'trip_id' },
] as const;
const idOf = new Map(families.map(({ family }) => [family.topic.name, family.id]));

export interface Sent {
  /** Ids of the telemetry of our devices, all of which was accepted. */
  readonly accepted: ReadonlySet<string>;
  readonly simulated: SimulatedEvents;
  /** Sees everything. */
  readonly readToken: string;
}

/**
 * Looks for every accepted event in the log and in Postgres, and compares what the two realtime processes show. Nobody
 * sends any more.
 *
 * @returns what was found
 * @throws Error where something is missing, is in Postgres twice, was never sent, or is shown differently
 */
export async function checkNothingLost(
  system: ClusteredSystem,
  pool: Pool,
  { accepted, simulated, readToken }: Sent,
): Promise<string> {
  const { rejected, thinned, sent } = simulated;
  if (rejected > 0 || thinned > 0 || sent !== simulated.accepted)
    throw new Error(`the simulator did not hand over all that it made: ${JSON.stringify(simulated)}`);
  const log = await idsInLog(system);
  const missing = [...accepted].filter((id) => !log.ids.has(id));
  const total = accepted.size + simulated.accepted;
  if (missing.length > 0 || log.ids.size !== total) {
    throw new Error(
      `${total} events were accepted, the log has ${log.ids.size}; missing of our devices: ${missing.slice(0, 5).join(', ') || 'none'}`,
    );
  }
  const rows = await idsInPostgres(pool, log.ids.size);
  if (new Set(rows).size !== rows.length) throw new Error('Postgres has an event twice');
  const strange = rows.filter((id) => !log.ids.has(id));
  if (strange.length > 0 || rows.length !== log.ids.size)
    throw new Error(`Postgres has ${rows.length} events, the log ${log.ids.size}, ${strange.length} others`);
  const vehicles = await vehiclesShown(system, readToken);
  return (
    `${total} events accepted (${simulated.accepted} of the simulator's), each in the log ` +
    `(${log.records - log.ids.size} of them again) and once in Postgres; ` +
    `both realtimes show the same ${vehicles} vehicles`
  );
}

/** Ids are unique over all families: they are UUIDs. */
async function idsInLog({ kafka }: ClusteredSystem): Promise<{ ids: Set<string>; records: number }> {
  const connection = { brokers: kafka.addresses, clientId: 'bench' };
  const topics = [...idOf.keys()];
  await using admin = createAdmin({ connection, logger });
  let total = 0n;
  for (const topic of topics) {
    for (const { earliest, latest } of (await admin.offsets(topic)).values()) total += latest - earliest;
  }
  const ids = new Set<string>();
  let records = 0;
  await using consumer = createBatchConsumer({
    connection,
    logger,
    groupId: 'bench',
    topics,
    offsets: { kind: 'everything-since', timestampMs: 0 },
    handler: async ({ topic, records: read }) => {
      for (const { value } of read) ids.add(idOf.get(topic)!(JSON.parse(String(value)) as never));
      records += read.length;
      await Promise.resolve();
    },
  });
  await consumer.start();
  await until(`all ${total} records were read`, () => Promise.resolve(BigInt(records) >= total));
  return { ids, records };
}

async function idsInPostgres(pool: Pool, wanted: number): Promise<string[]> {
  const select = families.map(({ table, id }) => `SELECT ${id} AS id FROM ride.${table}`).join(' UNION ALL ');
  await until(`${wanted} rows were loaded`, async () => {
    const { rows } = await pool.query<{ count: string }>(`SELECT count(*) FROM (${select}) AS every`);
    return Number(rows[0]?.count) >= wanted;
  });
  const { rows } = await pool.query<{ id: string }>(select);
  return rows.map(({ id }) => id);
}

interface Vehicles {
  readonly vehicles: readonly { readonly device_id: string }[];
}

async function vehiclesShown(system: ClusteredSystem, token: string): Promise<number> {
  const shown = (): Promise<string[]> =>
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
