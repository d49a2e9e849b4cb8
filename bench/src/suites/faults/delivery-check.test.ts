import { createEventRegistry, eventRegistry, tripFamily, type EventFamily } from '@hailstream/events';
import { createAdmin, createProducer } from '@hailstream/log';
import { startTestBroker } from '@hailstream/log/testing';
import { createLogger } from '@hailstream/service/logging';
import type { Pool } from 'pg';
import { describe, expect, it } from 'vitest';
import { deliveryKey, readLog, requireInPostgres } from './delivery-check.js';

const logger = createLogger({ name: 'test', level: 'silent' });

/** A family that is not in the registry, and one that is not loaded. */
const inspections: EventFamily = {
  ...(tripFamily as unknown as EventFamily),
  name: 'inspections',
  schemaName: 'Inspection',
  path: '/inspections',
  topic: { name: 'ride.inspections', partitions: 2 },
  table: 'inspections',
};
const signals: EventFamily = {
  ...inspections,
  name: 'signals',
  schemaName: 'Signal',
  path: '/signals',
  topic: { name: 'ride.signals', partitions: 1 },
  table: null,
};
const registry = createEventRegistry([...eventRegistry.families, inspections, signals]);
const keys = registry.families.map((family) => deliveryKey(family, family.example));
const loadedKeys = keys.slice(0, -1);

/** Tables that have these events. */
function tablesWith(rows: readonly string[]): { pool: Pick<Pool, 'query'>; queries: string[] } {
  const queries: string[] = [];
  const query = async (text: string) => {
    queries.push(text);
    return {
      rows: text.startsWith('SELECT count') ? [{ count: `${rows.length}` }] : rows.map((key) => ({ key })),
    };
  };
  return { pool: { query } as unknown as Pick<Pool, 'query'>, queries };
}

describe(readLog, () => {
  it('reads the events of every family, and counts repeated ones', async () => {
    await using broker = await startTestBroker();
    const connection = { brokers: [broker.address], clientId: 'test' };
    await using admin = createAdmin({ connection, logger });
    await admin.ensureTopics(registry.topics);
    await using producer = createProducer({ connection, logger });
    const records = registry.families.map(({ topic, key, example }) => ({
      topic: topic.name,
      key: key(example),
      value: Buffer.from(JSON.stringify(example)),
    }));
    await producer.send([...records, records[0]!]);
    expect(await readLog(connection, registry)).toEqual({
      keys: new Set(keys),
      records: registry.families.length + 1,
    });
  });
});

describe(requireInPostgres, () => {
  it('selects id and provider from the table of every family that is loaded', async () => {
    const { pool, queries } = tablesWith(loadedKeys);
    await requireInPostgres(pool, new Set(keys), registry);
    const tables = [...queries.at(-1)!.matchAll(/SELECT '([a-z-]+)\/' \|\| (\w+) .*? FROM ride\.(\w+)/g)];
    expect(tables.map(([, name, id, table]) => [name, id, table])).toEqual([
      ['telemetry', 'telemetry_id', 'telemetry'],
      ['vehicle-events', 'event_id', 'vehicle_events'],
      ['rider-events', 'event_id', 'rider_events'],
      ['trips', 'trip_id', 'trips'],
      ['inspections', 'trip_id', 'inspections'],
    ]);
  });

  it.each([
    ['an event twice', [...loadedKeys, loadedKeys[0]!], /1 events more than once/],
    ['an event that is not in the log', [...loadedKeys, 'trips/x/y'], /not in the log: trips\/x\/y/],
  ])('fails if Postgres has %s', async (_, rows, message) => {
    await expect(requireInPostgres(tablesWith(rows).pool, new Set(keys), registry)).rejects.toThrow(message);
  });
});
