import { decodeEvent } from '@hailstream/events';
import { registryWithShifts, shiftFamily } from '@hailstream/events/testing';
import { createProducer } from '@hailstream/log';
import { startTestBroker } from '@hailstream/log/testing';
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { columns as column } from '../src/rows/column.js';
import { createTables } from '../src/rows/tables.js';
import { connectionTo, createLoadRunner, createTestDatabase, PROVIDER, silent, YESTERDAY } from './_util.js';

type Shift = typeof shiftFamily.example;

/** What a developer adds to `rows/tables.ts` for a family: its own columns. */
const columns = {
  shifts: [
    column.uuid('driver_id'),
    column.text('kind'),
    column.double('lat', 'location.lat'),
    column.double('lng', 'location.lng'),
  ],
};

/** What a developer adds as a migration. */
const MIGRATION = `
  CREATE TABLE ride.shifts (
    shift_event_id uuid NOT NULL, provider_id uuid NOT NULL, driver_id uuid NOT NULL, kind text NOT NULL,
    happened_at timestamptz NOT NULL, received_at timestamptz, lat double precision NOT NULL, lng double precision NOT NULL,
    PRIMARY KEY (shift_event_id, provider_id, happened_at)
  ) PARTITION BY RANGE (happened_at);
  CREATE TABLE ride.shifts_seen (LIKE ride.telemetry_seen INCLUDING ALL);`;

describe('a family that is added to the registry', () => {
  it('has its topic created and its events loaded into its table, each once', async () => {
    await using broker = await startTestBroker();
    await using database = await createTestDatabase();
    const tables = createTables(registryWithShifts, columns);
    await using runner = await createLoadRunner(broker, database, {
      events: { registry: registryWithShifts, tables },
    });
    await runner.migrate();
    await database.query(MIGRATION);
    // Creates the topics: there is nothing to load yet.
    await runner.load(new AbortController().signal);

    const shift: Shift = {
      ...shiftFamily.example,
      shift_event_id: randomUUID(),
      provider_id: PROVIDER,
      happened_at: YESTERDAY + 3_600_000,
    };
    const value = Buffer.from(JSON.stringify(shift));
    const receivedMs = YESTERDAY + 3_600_500;
    const record = {
      topic: shiftFamily.topic.name,
      key: shiftFamily.key(shift),
      value,
      timestampMs: receivedMs,
    };
    await using producer = createProducer({ connection: connectionTo(broker), logger: silent });
    await producer.send([record, record, { ...record, value: Buffer.from('{}') }]);

    const { topics } = await runner.load(new AbortController().signal);
    expect(topics['ride.shifts']).toMatchObject({ read: 3, rows: 1, duplicates: 1, rejects: 1 });
    expect(decodeEvent(shiftFamily, value)).toEqual(shift);
    expect(await database.query('SELECT * FROM ride.shifts')).toEqual([
      {
        shift_event_id: shift.shift_event_id,
        provider_id: PROVIDER,
        driver_id: shift.driver_id,
        kind: 'start',
        happened_at: new Date(shift.happened_at),
        received_at: new Date(receivedMs),
        lat: shift.location.lat,
        lng: shift.location.lng,
      },
    ]);
  });

  it('must have columns if it has a table', () => {
    expect(() => createTables(registryWithShifts)).toThrow('the event family shifts has no columns');
  });
});
