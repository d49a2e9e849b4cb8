import { telemetryFamily } from '@hailstream/events';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  append,
  createLoadRunner,
  createTestDatabase,
  makeTrack,
  toRecords,
  type TestDatabase,
  type TestRecord,
} from './_util.js';

let broker: TestBroker;
let database: TestDatabase;
const never = new AbortController().signal;
const LONG_MAX = 2 ** 63;

beforeEach(async () => {
  // Accepts any timestamp, as brokers before Kafka 4 do.
  const settings = { 'log.message.timestamp.after.max.ms': '9223372036854775807' };
  [broker, database] = await Promise.all([startTestBroker({ settings }), createTestDatabase()]);
});

afterEach(async () => {
  await broker[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

/** Loads records between twenty valid ones. */
async function loadAmongGood(records: readonly TestRecord[]): Promise<{ rows: number; rejects: number }> {
  const good = toRecords(makeTrack({ points: 20, devices: 1 }));
  await append(broker, telemetryFamily.topic.name, [...good.slice(0, 10), ...records, ...good.slice(10)]);
  await using loads = await createLoadRunner(broker, database);
  return await loads.load(never);
}

describe('a reject', () => {
  it.each([
    ['before the year 1', -100_000_000_000_000, null],
    ['near the smallest 64-bit number', -LONG_MAX / 2, null],
    ['in microseconds', 1_764_000_000_000_000, null],
    ['near the largest 64-bit number', LONG_MAX / 2, null],
    ['of 1901', -2_177_452_800_000, new Date(-2_177_452_800_000)],
    ['of 9999', 253_402_300_799_999, new Date(253_402_300_799_999)],
  ])(
    'is stored if its record has a timestamp %s, and later records are loaded',
    async (_, timestampMs, receivedAt) => {
      const result = await loadAmongGood([{ key: 'k', value: Buffer.from('not JSON'), timestampMs }]);
      expect(result).toMatchObject({ rows: 20, rejects: 1 });
      const [reject] = await database.query<{ received_at: Date | null; timestamp_ms: string }>(
        'SELECT received_at, timestamp_ms FROM ride.rejects',
      );
      expect(reject!.received_at).toEqual(receivedAt);
      expect(Number(reject!.timestamp_ms)).toBe(timestampMs);
    },
  );

  it('is stored with any bytes in its key and value', async () => {
    const keys = ['', '\0', 'a'.repeat(100_000), '\ufffd'];
    const values = [Buffer.alloc(0), Buffer.alloc(1_000), Buffer.from([0xff, 0xfe, 0x00]), Buffer.from('{}')];
    const records = keys.flatMap((key) => values.map((value) => ({ key, value })));
    expect(await loadAmongGood(records)).toMatchObject({ rows: 20, rejects: records.length });
    const stored = await database.query<{ key: Buffer; value: Buffer }>(
      'SELECT key, value FROM ride.rejects',
    );
    const texts = (rows: readonly { key: Buffer | string; value: Buffer }[]): string[] =>
      rows.map(({ key, value }) => `${Buffer.from(key).toString('hex')} ${value.toString('hex')}`).toSorted();
    expect(texts(stored)).toEqual(texts(records));
  });

  it('is stored without its value if Postgres rejects the value, with the reason', async () => {
    await loadAmongGood([]);
    await database.query(
      `CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN IF octet_length(NEW.value) = 7 THEN RAISE program_limit_exceeded USING MESSAGE = 'too large'; END IF;
            RETURN NEW; END $$;
       CREATE TRIGGER refuse BEFORE INSERT ON ride.dead_letters FOR EACH ROW EXECUTE FUNCTION public.refuse()`,
    );
    const result = await loadAmongGood([
      { key: 'a', value: Buffer.from('six...') },
      { key: 'b', value: Buffer.from('seven..') },
    ]);
    expect(result).toMatchObject({ rows: 20, rejects: 2 });
    const stored = await database.query(
      'SELECT reason, key, value FROM ride.rejects ORDER BY key NULLS LAST',
    );
    expect(stored[0]).toMatchObject({ key: Buffer.from('a'), value: Buffer.from('six...') });
    expect(stored[1]).toEqual({
      reason: expect.stringMatching(/^not JSON: .*; key and value are not kept: too large$/) as string,
      key: null,
      value: null,
    });
  });
});
