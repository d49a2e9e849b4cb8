import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeRecordBatch } from '../../src/protocol/records.js';
import { startTestBroker } from '../../src/testing.js';
import { RawClient } from './raw-client.js';

/** The longest topic name, with enough partitions for numbers of several digits. */
const LONG_NAME = 't'.repeat(249);
const PARTITIONS = 101;

async function create(client: RawClient, name: string): Promise<number> {
  const asked = { name, numPartitions: PARTITIONS, replicationFactor: 1, assignments: [], configs: [] };
  const { topics } = await client.call<{ topics: { errorCode: number }[] }>(19, 4, {
    topics: [asked],
    timeoutMs: 10_000,
    validateOnly: false,
  });
  return topics[0]?.errorCode as number;
}

async function append(client: RawClient, name: string, index: number): Promise<bigint> {
  const records = [makeRecordBatch([{ key: null, value: Buffer.alloc(1000) }], BigInt(Date.now()))];
  const { topics } = await client.call<{ topics: { partitions: { baseOffset: bigint }[] }[] }>(0, 9, {
    transactionalId: null,
    acks: -1,
    timeoutMs: 1000,
    topics: [{ name, partitions: [{ index, records }] }],
  });
  return topics[0]?.partitions[0]?.baseOffset as bigint;
}

async function remove(client: RawClient, name: string): Promise<number> {
  const { responses } = await client.call<{ responses: { errorCode: number }[] }>(20, 4, {
    topicNames: [name],
    timeoutMs: 10_000,
  });
  return responses[0]?.errorCode as number;
}

describe('a topic with the longest allowed name', () => {
  it('leaves no files after its deletion and can be created again, before and after a restart', async () => {
    await using broker = await startTestBroker();
    const left = async () => (await fs.readdir(broker.dataDir)).filter((name) => name.startsWith('ttt'));
    for (let round = 0; round < 2; round++) {
      using client = await RawClient.connect(broker.port);
      expect(await create(client, LONG_NAME)).toBe(0);
      expect(await append(client, LONG_NAME, PARTITIONS - 1)).toBe(0n);
      expect(await remove(client, LONG_NAME)).toBe(0);
      expect(await left()).toEqual([]);
      expect(await create(client, LONG_NAME)).toBe(0);
      expect(await append(client, LONG_NAME, PARTITIONS - 1)).toBe(0n);
      await broker.restart();
      using again = await RawClient.connect(broker.port);
      expect(await append(again, LONG_NAME, PARTITIONS - 1)).toBe(1n);
      expect(await remove(again, LONG_NAME)).toBe(0);
      await broker.restart();
      expect(await left()).toEqual([]);
    }
  });

  it('leaves no files if the broker was killed during the deletion', async () => {
    await using broker = await startTestBroker();
    using client = await RawClient.connect(broker.port);
    expect(await create(client, LONG_NAME)).toBe(0);
    await append(client, LONG_NAME, 0);
    await broker.kill();
    // The state after a kill: the file lists the deletion, one folder is already renamed, one has lost a file.
    const file = path.join(broker.dataDir, 'topics.json');
    const stored = JSON.parse(await fs.readFile(file, 'utf8')) as {
      topics: { name: string; id: string }[];
      unfinished?: object[];
    };
    const topic = stored.topics.find(({ name }) => name === LONG_NAME) as { id: string };
    stored.topics = stored.topics.filter(({ name }) => name !== LONG_NAME);
    stored.unfinished = [{ name: LONG_NAME, id: topic.id, first: 0, partitions: PARTITIONS }];
    await fs.writeFile(file, JSON.stringify(stored));
    const end = `-3.${topic.id}-delete`;
    const folder = (name: string) => path.join(broker.dataDir, name);
    await fs.rename(folder(`${LONG_NAME}-3`), folder(`${LONG_NAME.slice(0, 255 - end.length)}${end}`));
    await fs.rm(path.join(folder(`${LONG_NAME}-0`), '00000000000000000000.log'));
    await broker.restart();
    expect((await fs.readdir(broker.dataDir)).filter((name) => name.startsWith('ttt'))).toEqual([]);
    const { unfinished } = JSON.parse(await fs.readFile(file, 'utf8')) as { unfinished?: object[] };
    expect(unfinished).toBeUndefined();
  });
});
