import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeRecordBatch } from '../../src/protocol/records.js';
import { startTestBroker, type TestBroker } from '../../src/testing.js';
import { RawClient } from './raw-client.js';

const PRODUCE = 0;
const CREATE_TOPICS = 19;
const TOPIC = 'rides';
const HOUR_MS = 3_600_000;

async function createTopic(client: RawClient, settings: Record<string, string>): Promise<void> {
  const configs = Object.entries(settings).map(([name, value]) => ({ name, value }));
  const topic = { name: TOPIC, numPartitions: 1, replicationFactor: 1, assignments: [], configs };
  await client.call(CREATE_TOPICS, 4, { topics: [topic], timeoutMs: 1000, validateOnly: false });
}

async function append(client: RawClient, timestamp: number): Promise<void> {
  const batch = makeRecordBatch([{ key: null, value: Buffer.alloc(100) }], BigInt(timestamp));
  await client.call(PRODUCE, 7, {
    transactionalId: null,
    acks: -1,
    timeoutMs: 1000,
    topics: [{ name: TOPIC, partitions: [{ index: 0, records: [batch] }] }],
  });
}

/** Base offsets of a topic's segments, from their file names. */
async function segments({ dataDir }: TestBroker): Promise<number[]> {
  const files = await fs.readdir(path.join(dataDir, `${TOPIC}-0`));
  return files
    .filter((name) => name.endsWith('.log'))
    .map((name) => Number.parseInt(name, 10))
    .toSorted((a, b) => a - b);
}

describe('a new segment is created', () => {
  it("if a record's timestamp is later than the segment's first by segment.ms, also across restarts", async () => {
    const start = Date.now() - 10 * HOUR_MS;
    await using broker = await startTestBroker();
    {
      using client = await RawClient.connect(broker.port);
      await createTopic(client, { 'segment.ms': String(HOUR_MS) });
      await append(client, start);
      await append(client, start + HOUR_MS);
      expect(await segments(broker)).toEqual([0]);
    }
    await broker.restart();
    using client = await RawClient.connect(broker.port);
    await append(client, start + HOUR_MS + 1);
    await append(client, start + HOUR_MS + 2);
    expect(await segments(broker)).toEqual([0, 2]);
    // An older timestamp creates no segment.
    await append(client, start);
    expect(await segments(broker)).toEqual([0, 2]);
  });
});
