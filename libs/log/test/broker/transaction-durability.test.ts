import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { until } from '@hailstream/service/testing';
import { describe, expect, it } from 'vitest';
import type { FileSystem } from '../../src/broker/index.js';
import { startTestBroker } from '../../src/testing.js';
import { TransactionalClient, type Producer } from './transactional-client.js';
import { diskThatWrites } from './writing-disk.js';

const TOPIC = 'rides';
const GROUP = 'readers';
const SOON = { 'transaction.abort.timed.out.transaction.cleanup.interval.ms': '20' };
const SHORT_MS = 100;

/** A disk on which one folder can be made to fail. */
function breakableDisk(): { files: FileSystem; broken: string | undefined } {
  const disk = {
    broken: undefined as string | undefined,
    files: diskThatWrites(async (file, real, buffers, position) => {
      if (path.basename(path.dirname(file)) === disk.broken) throw new Error('the disk is broken');
      await real.write(buffers, position);
    }),
  };
  return disk;
}

async function begun(client: TransactionalClient, id: string, timeoutMs?: number): Promise<Producer> {
  const producer = await client.begin(id, timeoutMs);
  expect(await client.add(producer, TOPIC, [0])).toMatchObject({ error: 'NONE' });
  return producer;
}

describe('a transaction', () => {
  it('continues after a restart, and its records stay undecided until it ends', async () => {
    await using broker = await startTestBroker();
    let client = await TransactionalClient.connect(broker.port);
    await client.createTopic(TOPIC, 1);
    const producer = await begun(client, 'a');
    await client.produce(producer, TOPIC, 0, ['1', '2']);
    await client.addOffsets(producer, GROUP);
    await client.commitOffsets(producer, { groupId: GROUP }, [{ topic: TOPIC, partition: 0, offset: 9n }]);
    await broker.restart();
    client = await TransactionalClient.connect(broker.port);
    expect(await client.describe('a')).toMatchObject({ state: 'Ongoing', producerEpoch: 0 });
    expect(await client.endOffset(TOPIC, 0, 'committed')).toBe(0n);
    expect(await client.read(TOPIC, 0, 'uncommitted')).toEqual(['1', '2']);
    expect(await client.committed(GROUP, TOPIC, 0)).toBe('UNSTABLE_OFFSET_COMMIT');
    expect(await client.produce(producer, TOPIC, 0, ['3'], { sequence: 2 })).toMatchObject({ error: 'NONE' });
    expect(await client.end(producer, 'commit')).toEqual({ error: 'NONE' });
    expect(await client.read(TOPIC, 0, 'committed')).toEqual(['1', '2', '3']);
    expect(await client.committed(GROUP, TOPIC, 0)).toBe('9');
    await broker.restart();
    client = await TransactionalClient.connect(broker.port);
    expect(await client.read(TOPIC, 0, 'committed')).toEqual(['1', '2', '3']);
    expect(await client.committed(GROUP, TOPIC, 0)).toBe('9');
  });

  it.each(['commit', 'abort'] as const)(
    'is completed by the next process once its outcome was written: %s',
    async (outcome) => {
      const disk = breakableDisk();
      await using broker = await startTestBroker({ files: disk.files });
      let client = await TransactionalClient.connect(broker.port);
      await client.createTopic(TOPIC, 1);
      const producer = await begun(client, 'a');
      await client.produce(producer, TOPIC, 0, ['1']);
      await client.addOffsets(producer, GROUP);
      await client.commitOffsets(producer, { groupId: GROUP }, [{ topic: TOPIC, partition: 0, offset: 9n }]);
      disk.broken = `${TOPIC}-0`;
      expect(await client.end(producer, outcome)).toEqual({ error: 'NONE' });
      expect((await client.describe('a')).state).toBe(
        outcome === 'commit' ? 'PrepareCommit' : 'PrepareAbort',
      );
      expect(await client.add(producer, TOPIC, [0])).toMatchObject({ error: 'CONCURRENT_TRANSACTIONS' });
      expect(await client.endOffset(TOPIC, 0, 'committed')).toBe(0n);
      disk.broken = undefined;
      await broker.restart();
      client = await TransactionalClient.connect(broker.port);
      expect((await client.describe('a')).state).toBe(
        outcome === 'commit' ? 'CompleteCommit' : 'CompleteAbort',
      );
      expect(await client.read(TOPIC, 0, 'committed')).toEqual(outcome === 'commit' ? ['1'] : []);
      expect(await client.committed(GROUP, TOPIC, 0)).toBe(outcome === 'commit' ? '9' : '-1');
      expect(await client.end(producer, outcome)).toEqual({ error: 'NONE' });
    },
  );

  it('is completed by the same process once its partitions can be written again', async () => {
    const disk = breakableDisk();
    await using broker = await startTestBroker({ files: disk.files });
    using client = await TransactionalClient.connect(broker.port);
    await client.createTopic(TOPIC, 1);
    const producer = await begun(client, 'a');
    await client.produce(producer, TOPIC, 0, ['1']);
    disk.broken = `${TOPIC}-0`;
    await client.end(producer, 'commit');
    disk.broken = undefined;
    await until(async () => (await client.describe('a')).state === 'CompleteCommit');
    expect(await client.read(TOPIC, 0, 'committed')).toEqual(['1']);
  });

  it('has not ended if its outcome could not be written', async () => {
    const disk = breakableDisk();
    await using broker = await startTestBroker({ files: disk.files });
    using client = await TransactionalClient.connect(broker.port);
    await client.createTopic(TOPIC, 1);
    const producer = await begun(client, 'a');
    await client.produce(producer, TOPIC, 0, ['1']);
    disk.broken = '__transaction_state-0';
    expect(await client.end(producer, 'commit')).toEqual({ error: 'NOT_COORDINATOR' });
    expect((await client.describe('a')).state).toBe('Ongoing');
    disk.broken = undefined;
    expect(await client.end(producer, 'commit')).toEqual({ error: 'NONE' });
    expect(await client.read(TOPIC, 0, 'committed')).toEqual(['1']);
  });

  it('is aborted after its timeout, also after a restart, and its producer is fenced', async () => {
    await using broker = await startTestBroker({ settings: SOON });
    let client = await TransactionalClient.connect(broker.port);
    await client.createTopic(TOPIC, 1);
    const long = await client.begin('long');
    for (const restarts of [false, true]) {
      const short = await begun(client, 'short', SHORT_MS);
      await client.produce(short, TOPIC, 0, ['late']);
      if (restarts) {
        await broker.restart();
        client = await TransactionalClient.connect(broker.port);
      }
      await until(async () => (await client.describe('short')).state === 'CompleteAbort');
      expect((await client.describe('short')).producerEpoch).toBe(short.producerEpoch + 1);
      expect(await client.end(short, 'commit')).toEqual({ error: 'PRODUCER_FENCED' });
      expect(await client.produce(short, TOPIC, 0, ['later'])).toMatchObject({
        error: 'INVALID_PRODUCER_EPOCH',
      });
      expect(await client.read(TOPIC, 0, 'committed')).toEqual([]);
    }
    expect((await client.describe('long')).producerEpoch).toBe(long.producerEpoch);
  });

  it('is removed with its id after transactional.id.expiration.ms, permanently', async () => {
    const settings = {
      'transactional.id.expiration.ms': '50',
      'transaction.remove.expired.transaction.cleanup.interval.ms': '20',
    };
    await using broker = await startTestBroker({ settings });
    let client = await TransactionalClient.connect(broker.port);
    await client.createTopic(TOPIC, 1);
    const idle = await client.begin('idle');
    const open = await begun(client, 'open');
    await until(async () => (await client.describe('idle')).error === 'TRANSACTIONAL_ID_NOT_FOUND');
    expect(await client.add(idle, TOPIC, [0])).toMatchObject({ error: 'INVALID_PRODUCER_ID_MAPPING' });
    expect((await client.describe('open')).state).toBe('Ongoing');
    await broker.restart();
    client = await TransactionalClient.connect(broker.port);
    expect((await client.describe('idle')).error).toBe('TRANSACTIONAL_ID_NOT_FOUND');
    expect(await client.end(open, 'abort')).toEqual({ error: 'NONE' });
  });

  it('leaves an index of aborted transactions, which is rebuilt if it is missing or wrong', async () => {
    const dataDir = await fs.mkdtemp(path.join(os.tmpdir(), 'hailstream-txnindex-'));
    try {
      let broker = await startTestBroker({ dataDir });
      let client = await TransactionalClient.connect(broker.port);
      await client.createTopic(TOPIC, 1, { 'segment.bytes': '1024' });
      const [a, b] = [await begun(client, 'a'), await begun(client, 'b')];
      for (let i = 0; i < 30; i++) {
        await client.produce(a, TOPIC, 0, [`a${i}`.padEnd(60)]);
        await client.produce(b, TOPIC, 0, [`b${i}`.padEnd(60)]);
        if (i % 5 !== 4) continue;
        // The transactions of `b` span the segments in which those of `a` end.
        await client.end(a, 'abort');
        await client.add(a, TOPIC, [0]);
        if (i % 10 !== 9) continue;
        await client.end(b, i === 19 ? 'abort' : 'commit');
        await client.add(b, TOPIC, [0]);
      }
      await client.end(a, 'commit');
      const expected = await client.read(TOPIC, 0, 'committed');
      expect(expected.map((value) => value.trim())).toEqual(
        [...Array(10).keys(), ...Array.from({ length: 10 }, (_, i) => 20 + i)].map((i) => `b${i}`),
      );
      const folder = path.join(dataDir, `${TOPIC}-0`);
      const indexes = async () => {
        const names = (await fs.readdir(folder)).filter((name) => name.endsWith('.txnindex')).sort();
        const contents = names.map(async (name) =>
          (await fs.readFile(path.join(folder, name))).toString('hex'),
        );
        return { names, contents: await Promise.all(contents) };
      };
      await broker.stop();
      const before = await indexes();
      expect(before.contents.filter((content) => content !== '').length).toBeGreaterThan(3);
      for (const damage of ['missing', 'wrong'] as const) {
        for (const [i, name] of before.names.entries()) {
          if (i % 3 !== 1) continue;
          if (damage === 'missing') await fs.rm(path.join(folder, name));
          else await fs.writeFile(path.join(folder, name), Buffer.alloc(33));
        }
        broker = await startTestBroker({ dataDir });
        client = await TransactionalClient.connect(broker.port);
        expect(await client.read(TOPIC, 0, 'committed')).toEqual(expected);
        await broker.stop();
        expect(await indexes()).toEqual(before);
      }
    } finally {
      await fs.rm(dataDir, { recursive: true });
    }
  });
});
