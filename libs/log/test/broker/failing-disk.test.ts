import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../src/protocol/error-codes.js';
import { readBatchHeader } from '../../src/protocol/record-batch.js';
import { makeRecordBatch } from '../../src/protocol/records.js';
import { TimeIndex } from '../../src/broker/storage/segment/sparse-index.js';
import { FailingDisk } from '../proofs/faults/failing-disk.js';
import { readAll, System } from '../proofs/power/system.js';
import { Random } from '@hailstream/service/testing';

const TOPIC = 'rides';
const SYNCED = { 'flush.messages': '1' };
const SMALL_SEGMENTS = { ...SYNCED, 'segment.bytes': '1024' };
const REFUSED = { code: ErrorCode.KAFKA_STORAGE_ERROR };
const NOW_MS = 1_700_000_000_000;

async function startSystem() {
  const disk = new FailingDisk(new Random(1));
  const open = () => System.open(disk, () => NOW_MS, Infinity);
  const fixture = {
    disk,
    system: await open(),
    failOnce: (like: RegExp, calls = 1) => disk.failWith({ after: 0, calls, code: 'EIO', like }),
    log: () => fixture.system.store.partition(TOPIC, 0),
    append: async (value: string, timestamp = NOW_MS) => {
      const batch = makeRecordBatch([{ key: null, value: Buffer.from(value) }], BigInt(timestamp), {});
      await fixture.log().append(batch, readBatchHeader(batch));
    },
    values: async () => (await readAll(fixture.log())).map(({ value }) => value?.trim()),
    restart: async (how: 'stop' | 'kill') => {
      await fixture.system.end(how);
      fixture.system = await open();
    },
    [Symbol.asyncDispose]: () => fixture.system.end('kill'),
  };
  return fixture;
}

describe('a failing disk', () => {
  it.each(['rename .*topics.json', 'sync /data$', 'open .*/rides-1/.*log'])(
    'creates no topic if %s fails, neither immediately nor at the next start',
    async (like) => {
      await using broker = await startSystem();
      const filesBefore = broker.disk.openFiles;
      broker.failOnce(new RegExp(like));
      await expect(broker.system.store.create(TOPIC, 2, SYNCED)).rejects.toMatchObject(REFUSED);
      expect(broker.system.store.topic(TOPIC)).toBeUndefined();
      expect(broker.disk.openFiles).toBe(filesBefore);
      await broker.restart('kill');
      expect(broker.system.store.topic(TOPIC)).toBeUndefined();
      await broker.system.store.create(TOPIC, 2, SYNCED);
    },
  );

  it('does not change a topic if the change cannot be written', async () => {
    await using broker = await startSystem();
    const { store } = broker.system;
    await store.create(TOPIC, 1, SYNCED);
    broker.failOnce(/rename .*topics.json/, 100);
    await expect(store.delete(TOPIC)).rejects.toMatchObject(REFUSED);
    await expect(store.grow(TOPIC, 2)).rejects.toMatchObject(REFUSED);
    await expect(store.configure(TOPIC, {})).rejects.toMatchObject(REFUSED);
    await expect(store.alterBroker({ own: { 'log.retention.ms': '1' } })).rejects.toMatchObject(REFUSED);
    broker.disk.heal();
    await broker.append('still taken');
    expect(store.topic(TOPIC)).toMatchObject({ settings: SYNCED, partitions: { length: 1 } });
    expect(broker.disk.everything()).not.toContain('/data/rides-1');
    await broker.restart('kill');
    expect(broker.system.store.topic(TOPIC)).toMatchObject({ settings: SYNCED, partitions: { length: 1 } });
    expect(await broker.values()).toEqual(['still taken']);
  });

  it.each(['rename .*checkpoint', 'rename /data/rides-0', 'remove .*-delete'])(
    'serves nothing of a deleted topic in a new one with the same name if %s fails',
    async (like) => {
      await using broker = await startSystem();
      await broker.system.store.create(TOPIC, 1, SYNCED);
      for (const value of ['a', 'b', 'c']) await broker.append(value);
      await broker.log().deleteBefore(2n);
      await broker.system.store.saveStartOffsets();
      broker.failOnce(new RegExp(like), 4);
      await broker.system.store.delete(TOPIC);
      broker.disk.heal();
      await broker.system.store.create(TOPIC, 1, SYNCED);
      for (const value of ['new', 'newer', 'newest']) await broker.append(value);
      await broker.restart('kill');
      expect(await broker.values()).toEqual(['new', 'newer', 'newest']);
    },
  );

  it('does not serve refused records that could not be truncated immediately', async () => {
    await using broker = await startSystem();
    await broker.system.store.create(TOPIC, 1, SYNCED);
    await broker.append('first');
    // The first append is written alone. Those that arrive meanwhile are written together, and their sync fails.
    broker.failOnce(/(sync|truncate) .*\.log/, 3);
    const refused = ['lost 1', 'lost 2', 'lost 3'].map((value) => broker.append(value));
    for (const each of await Promise.allSettled(refused)) expect(each.status).toBe('rejected');
    broker.disk.heal();
    await broker.append('second');
    await broker.restart('kill');
    expect(await broker.values()).toEqual(['first', 'second']);
  });

  it('leaves no open file and no segment if a segment cannot be closed', async () => {
    await using broker = await startSystem();
    await broker.system.store.create(TOPIC, 1, SMALL_SEGMENTS);
    await broker.append('x'.repeat(800));
    const filesBefore = broker.disk.openFiles;
    broker.failOnce(/write .*timeindex/);
    await expect(broker.append('y'.repeat(800))).rejects.toMatchObject(REFUSED);
    expect(broker.disk.openFiles).toBe(filesBefore);
    for (const value of ['small', 'z'.repeat(800)]) await broker.append(value);
    await broker.restart('kill');
    expect((await broker.values()).map((value) => value?.length)).toEqual([800, 5, 800]);
  });

  it('repeats index entries whose write failed', async () => {
    await using broker = await startSystem();
    await broker.system.store.create(TOPIC, 1, SMALL_SEGMENTS);
    await broker.append('x'.repeat(800), NOW_MS + 5);
    broker.failOnce(/write .*timeindex/);
    await expect(broker.append('y'.repeat(800))).rejects.toMatchObject(REFUSED);
    await broker.append('y'.repeat(800));
    const written = await broker.disk.readFile('/data/rides-0/00000000000000000000.timeindex');
    expect(TimeIndex.parse(written as Buffer)?.last()).toEqual({
      timestamp: BigInt(NOW_MS + 5),
      relativeOffset: 0,
    });
  });

  it('loses no record after old segments that could not be deleted', async () => {
    await using broker = await startSystem();
    await broker.system.store.create(TOPIC, 1, SMALL_SEGMENTS);
    for (const value of ['a', 'b', 'c', 'd']) await broker.append(value.padEnd(800));
    broker.failOnce(/remove .*0\.log/);
    await expect(broker.log().deleteBefore(1n)).rejects.toThrow('EIO');
    await broker.log().deleteBefore(2n);
    await broker.system.store.saveStartOffsets();
    await broker.restart('kill');
    expect(await broker.values()).toEqual(['c', 'd']);
  });
});
