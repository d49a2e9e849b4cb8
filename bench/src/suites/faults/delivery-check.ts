import {
  decodeEvent,
  eventRegistry,
  identityOf,
  type AnyEvent,
  type EventFamily,
  type EventRegistry,
} from '@hailstream/events';
import { createRangeReader, type LogConnection } from '@hailstream/log';
import { createLogger } from '@hailstream/service/logging';
import { until } from '@hailstream/service/testing';
import type { Pool } from 'pg';
import type { SimulatedEvents } from './system.js';

/** Time limit until all accepted events are in Postgres and in both realtime processes. */
const SETTLE_MS = 180_000;
const POLL_MS = 500;
/** Missing events that an error names. */
const NAMED_EVENTS = 5;
const logger = createLogger({ name: 'bench', level: 'silent' });

interface DeliveryCheckOptions {
  readonly connection: LogConnection;
  readonly pool: Pick<Pool, 'query'>;
  readonly realtimeUrls: readonly string[];
  /** A token that may read the vehicles of all providers. */
  readonly readToken: string;
  /** {@link deliveryKey} of the events of the devices that were accepted. */
  readonly accepted: ReadonlySet<string>;
  readonly simulated: SimulatedEvents;
  /** @default eventRegistry */
  readonly registry?: EventRegistry;
}

/** Identifies an event among those of all families and providers. */
export function deliveryKey<E extends AnyEvent>(family: EventFamily<E>, event: E): string {
  return `${family.name}/${identityOf(family, event)}`;
}

/**
 * Checks that every accepted event is in the log and once in Postgres, that neither has any other, and that all realtime
 * processes return the same vehicles. Nothing may be sent meanwhile.
 *
 * @returns what was checked, in one line
 * @throws Error if an event is missing, unknown or in Postgres twice, or if the vehicles differ
 */
export async function checkDelivery(options: DeliveryCheckOptions): Promise<string> {
  const { accepted, simulated, registry = eventRegistry } = options;
  const { rejected, thinned, sent } = simulated;
  if (rejected > 0 || thinned > 0 || sent !== simulated.accepted)
    throw new Error(`the simulator did not deliver all of its events: ${JSON.stringify(simulated)}`);
  const log = await readLog(options.connection, registry);
  const missing = [...accepted].filter((key) => !log.keys.has(key));
  const total = accepted.size + simulated.accepted;
  if (missing.length > 0 || log.keys.size !== total) {
    throw new Error(
      `${total} events were accepted, the log has ${log.keys.size}; ${missing.length} of the devices are missing: ${missing.slice(0, NAMED_EVENTS).join(', ') || 'none'}`,
    );
  }
  await requireInPostgres(options.pool, log.keys, registry);
  const vehicles = await vehiclesShown(options);
  return (
    `${total} events accepted (${simulated.accepted} of the simulator), each in the log ` +
    `(${log.records - log.keys.size} more than once) and once in Postgres; ` +
    `all realtime processes return the same ${vehicles} vehicles`
  );
}

/** The events of all families in the log, and how many records they are. */
export async function readLog(
  connection: LogConnection,
  registry: EventRegistry,
): Promise<{ readonly keys: ReadonlySet<string>; readonly records: number }> {
  const keys = new Set<string>();
  let records = 0;
  await using reader = createRangeReader({ connection, logger });
  const ranges = registry.families.map(
    ({ topic }) => ({ topic: topic.name, from: 'earliest', to: 'latest' }) as const,
  );
  for await (const batch of await reader.readRange({ ranges })) {
    const family = registry.byTopic.get(batch.topic)!;
    for (const { value } of batch.records) keys.add(deliveryKey(family, decodeEvent(family, value)));
    records += batch.records.length;
  }
  return { keys, records };
}

/**
 * Waits until the tables of the registry have as many rows as the log has events of families with a table.
 *
 * @throws Error if a row exists twice, or is not an event of the log
 */
export async function requireInPostgres(
  pool: Pick<Pool, 'query'>,
  keys: ReadonlySet<string>,
  { families }: EventRegistry,
): Promise<void> {
  const loaded = families.filter(({ table }) => table !== null);
  const expected = new Set([...keys].filter((key) => loaded.some(({ name }) => key.startsWith(`${name}/`))));
  const selects = loaded.map(
    ({ name, table, fields }) =>
      `SELECT '${name}/' || ${fields.id} || '/' || provider_id AS key FROM ride.${table}`,
  );
  const query = selects.join(' UNION ALL ');
  await until(
    async () => {
      const { rows } = await pool.query<{ count: string }>(`SELECT count(*) FROM (${query}) AS loaded`);
      return Number(rows[0]?.count) >= expected.size;
    },
    { timeoutMs: SETTLE_MS, pollMs: POLL_MS, what: `${expected.size} rows are loaded` },
  );
  const rows = (await pool.query<{ key: string }>(query)).rows.map(({ key }) => key);
  const distinct = new Set(rows);
  if (distinct.size !== rows.length)
    throw new Error(`Postgres has ${rows.length - distinct.size} events more than once`);
  const unknown = rows.filter((key) => !expected.has(key));
  if (unknown.length > 0 || rows.length !== expected.size) {
    throw new Error(
      `Postgres has ${rows.length} events, the log ${expected.size}; not in the log: ${unknown.slice(0, NAMED_EVENTS).join(', ') || 'none'}`,
    );
  }
}

interface Vehicles {
  readonly vehicles: readonly { readonly device_id: string }[];
}

/** Waits until all realtime processes return the same vehicles. Returns how many these are. */
async function vehiclesShown({ realtimeUrls, readToken }: DeliveryCheckOptions): Promise<number> {
  const vehiclesOf = async (url: string): Promise<string> => {
    const response = await fetch(`${url}/vehicles`, { headers: { authorization: `Bearer ${readToken}` } });
    const { vehicles } = (await response.json()) as Vehicles;
    return JSON.stringify(vehicles.toSorted((a, b) => (a.device_id < b.device_id ? -1 : 1)));
  };
  const shown = await until(
    async () => {
      const answers = await Promise.all(realtimeUrls.map(vehiclesOf));
      return new Set(answers).size === 1 && answers[0];
    },
    { timeoutMs: SETTLE_MS, pollMs: POLL_MS, what: 'all realtime processes return the same vehicles' },
  );
  return (JSON.parse(shown) as unknown[]).length;
}
