import { telemetryFamily } from '@hailstream/events';
import { appendTransaction, spoilBatch, startTestBroker } from '@hailstream/log/testing';
import { describe, expect, it } from 'vitest';
import { append, createLoadRunner, createTestDatabase, makeTrack, toRecords } from './_util.js';

const never = new AbortController().signal;

describe('a load', () => {
  it.each(['abort', 'commit'] as const)('reaches the end of a log that ends with an %s', async (outcome) => {
    await using broker = await startTestBroker();
    await using database = await createTestDatabase();
    await append(broker, telemetryFamily.topic.name, toRecords(makeTrack({ points: 50, devices: 5 })));
    const values = makeTrack({ points: 3, devices: 1 }).map((point) => JSON.stringify(point));
    await appendTransaction(broker, { topic: telemetryFamily.topic.name, partition: 0, values, outcome });
    for (const expected of [outcome === 'commit' ? 53 : 50, 0]) {
      await using loads = await createLoadRunner(broker, database);
      expect(await loads.load(never)).toMatchObject({ rows: expected, rejects: 0 });
    }
  });

  it('rejects a batch that cannot be decoded once, and loads the records after it', async () => {
    await using broker = await startTestBroker();
    await using database = await createTestDatabase();
    const topic = telemetryFamily.topic.name;
    await append(broker, topic, toRecords(makeTrack({ points: 20, devices: 2 })));
    const values = ['spoiled', 'spoiled too'];
    await using first = await createLoadRunner(broker, database);
    expect(await first.load(never)).toMatchObject({ rows: 20 });
    const offset = BigInt(
      (await database.one(
        `SELECT next_offset FROM ride.log_positions WHERE topic = '${topic}' AND partition = 0`,
      )) as string,
    );
    await appendTransaction(broker, { topic, partition: 0, values, outcome: 'commit' });
    await spoilBatch(broker, { topic, partition: 0, offset });
    await append(broker, topic, toRecords(makeTrack({ points: 60, devices: 30 })));
    for (const counts of [
      { rows: 60, rejects: 1, read: 61, skipped: 2 },
      { rows: 0, rejects: 0, read: 0 },
    ]) {
      await using loads = await createLoadRunner(broker, database);
      expect((await loads.load(never)).topics[topic]).toMatchObject(counts);
    }
    const rejects = await database.query(
      'SELECT "offset", last_offset, reason, key, octet_length(value) > 61 AS kept, received_at FROM ride.rejects',
    );
    expect(rejects).toEqual([
      {
        offset: String(offset),
        last_offset: String(offset + 1n),
        reason: expect.stringMatching(
          /^the batch of offsets \d+ to \d+ cannot be decoded \(SHA-256 [0-9a-f]{64}\)/,
        ),
        key: null,
        kept: true,
        received_at: null,
      },
    ]);
  });
});
