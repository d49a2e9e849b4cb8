import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { until } from '@hailstream/service/testing';
import { describe, expect, it } from 'vitest';
import { makeRecordBatch } from '../../src/protocol/records.js';
import { startTestBroker } from '../../src/testing.js';
import { RawClient } from './raw-client.js';

const PRODUCE = 0;
const CREATE_TOPICS = 19;
const TOPIC = 'places';
const BATCHES = 4;

/** A batch with one record; all have the same key, and each is in its own segment. */
async function send(client: RawClient, sequence: number): Promise<{ errorCode: number; baseOffset: bigint }> {
  const entry = { key: Buffer.from('k'), value: Buffer.alloc(800, sequence) };
  const fields = { producerId: 1n, producerEpoch: 0, baseSequence: sequence };
  const batch = makeRecordBatch([entry], BigInt(Date.now()), fields);
  const { topics } = await client.call<{
    topics: { partitions: { errorCode: number; baseOffset: bigint }[] }[];
  }>(PRODUCE, 7, {
    transactionalId: null,
    acks: -1,
    timeoutMs: 1000,
    topics: [{ name: TOPIC, partitions: [{ index: 0, records: [batch] }] }],
  });
  return topics[0]?.partitions[0] ?? { errorCode: -1, baseOffset: -1n };
}

describe('producer state', () => {
  it('is kept after compaction has removed the batches and the latest snapshot was lost', async () => {
    await using broker = await startTestBroker({ settings: { 'log.cleaner.backoff.ms': '20' } });
    const folder = path.join(broker.dataDir, `${TOPIC}-0`);
    {
      using client = await RawClient.connect(broker.port);
      const configs = Object.entries({
        'cleanup.policy': 'compact',
        'segment.bytes': '1024',
        // No compaction before the restart.
        'min.compaction.lag.ms': '3600000',
      }).map(([name, value]) => ({ name, value }));
      const topic = { name: TOPIC, numPartitions: 1, replicationFactor: 1, assignments: [], configs };
      const response = await client.call<{ topics: object[] }>(CREATE_TOPICS, 4, {
        topics: [topic],
        timeoutMs: 1000,
        validateOnly: false,
      });
      expect(response.topics).toMatchObject([{ errorCode: 0 }]);
      for (let i = 0; i < BATCHES; i += 1) expect(await send(client, i)).toMatchObject({ errorCode: 0 });
    }
    await broker.kill();
    const snapshots = (await fs.readdir(folder)).filter((name) => name.endsWith('.snapshot')).toSorted();
    await fs.rm(path.join(folder, snapshots.at(-1) ?? ''));
    await broker.restart();
    {
      using client = await RawClient.connect(broker.port);
      await letCompact(client);
      await until(
        async () => (await fs.readdir(folder)).filter((name) => name.endsWith('.log')).length < BATCHES,
      );
    }
    await broker.restart();
    using client = await RawClient.connect(broker.port);
    expect(await send(client, BATCHES - 3)).toMatchObject({ errorCode: 0, baseOffset: BigInt(BATCHES - 3) });
  });
});

const INCREMENTAL_ALTER_CONFIGS = 44;
const DELETE = 1;

async function letCompact(client: RawClient): Promise<void> {
  await client.call(INCREMENTAL_ALTER_CONFIGS, 0, {
    resources: [
      {
        resourceType: 2,
        resourceName: TOPIC,
        configs: [{ name: 'min.compaction.lag.ms', configOperation: DELETE, value: null }],
      },
    ],
    validateOnly: false,
  });
}
