import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { setBaseOffset } from '../../protocol/record-batch.js';
import { makeRecordBatch } from '../../protocol/records.js';
import type { FetchedPartition } from '../kafkajs/fetch.js';
import { BatchWorker, type WorkContext } from './batch-worker.js';
import { PartitionReader, type PartitionReaderOptions } from './partition-reader.js';

const logger = pino({ level: 'silent' });
const partition = { topic: 'rides', partition: 2 };

function batch(offset: bigint, value: string): Buffer {
  const recordBatch = makeRecordBatch([{ key: null, value: Buffer.from(value) }], 0n);
  setBaseOffset(recordBatch, offset, 0);
  return recordBatch;
}

function damaged(offset: bigint): Buffer {
  const damagedBatch = batch(offset, 'damaged');
  damagedBatch[damagedBatch.length - 1] = 0xff;
  return damagedBatch;
}

/** A reader, the callbacks it made in order, and a way to pass fetched batches to it. */
function readerWith(options: Partial<PartitionReaderOptions> = {}) {
  const events: string[] = [];
  let position = 0n;
  const worker = new BatchWorker({
    handler: async ({ records }) => void events.push(...records.map(({ value }) => String(value))),
    groupId: 'g',
    maxAttempts: 2,
    retryBackoffMs: 1,
    maxBatchRecords: 100,
    deadLetters: undefined,
    logger,
  });
  const reader = new PartitionReader({
    partition,
    groupId: 'g',
    worker,
    maxBatchRecords: 100,
    maxAttempts: 2,
    retryBackoffMs: 1,
    deadLetters: undefined,
    compaction: { known: undefined, ask: async () => false },
    reposition: async ({ offset }) => ({ offset, gap: undefined }),
    onGap: ({ expected, found, cause }) => void events.push(`${cause}: ${expected} to ${found}`),
    onPosition: ({ nextOffset }) => void events.push(`→ ${nextOffset}`),
    onUndecodable: async ({ baseOffset, lastOffset }) =>
      void events.push(`undecodable: ${baseOffset} to ${lastOffset}`),
    logger,
    ...options,
  });
  const context: WorkContext = {
    signal: new AbortController().signal,
    heartbeat: async () => undefined,
    advance: async (nextOffset) => {
      position = nextOffset;
    },
    shouldStop: () => false,
  };
  const fetch = (batches: readonly Buffer[], fetched: Partial<FetchedPartition> = {}) =>
    reader.read(
      {
        bytes: Buffer.concat(batches),
        aborted: [],
        position,
        isOutOfRange: false,
        highWatermark: 100n,
        lastStableOffset: 100n,
        logStartOffset: 0n,
        ...fetched,
      },
      context,
    );
  return { events, fetch, position: () => position };
}

describe('PartitionReader', () => {
  it('reports offsets that the broker left out', async () => {
    const { events, fetch, position } = readerWith();
    await fetch([batch(0n, 'a'), batch(4n, 'b')]);
    expect(events).toEqual(['a', 'unexplained: 1 to 4', '→ 4', 'b']);
    expect(position()).toBe(5n);
  });

  it('reports them as deleted if the log starts after them', async () => {
    const { events, fetch } = readerWith();
    await fetch([batch(4n, 'b')], { logStartOffset: 4n });
    expect(events).toEqual(['log-start: 0 to 4', '→ 4', 'b']);
  });

  it('does not report them in a compacted topic, and asks the cluster once', async () => {
    let asked = 0;
    let known: boolean | undefined;
    const ask = async () => {
      asked += 1;
      known = true;
      return true;
    };
    const compaction = {
      get known() {
        return known;
      },
      ask,
    };
    const { events, fetch, position } = readerWith({ compaction });
    await fetch([batch(1n, 'a'), batch(4n, 'b'), batch(8n, 'c')]);
    expect(events).toEqual(['a', 'b', 'c']);
    expect([position(), asked]).toEqual([9n, 1]);
  });

  it('fetches a damaged batch again before it reports it', async () => {
    const { events, fetch, position } = readerWith();
    expect(await fetch([batch(0n, 'a'), damaged(1n)])).toBeGreaterThan(0);
    expect(await fetch([damaged(1n), batch(2n, 'c')])).toBeGreaterThan(0);
    expect(position()).toBe(1n);
    expect(await fetch([damaged(1n), batch(2n, 'c')])).toBeUndefined();
    expect(events).toEqual(['a', 'undecodable: 1 to 1', '→ 2', 'c']);
  });

  it('reads a batch that was damaged only in transit', async () => {
    const { events, fetch } = readerWith();
    expect(await fetch([damaged(0n)])).toBeGreaterThan(0);
    expect(await fetch([batch(0n, 'whole')])).toBeUndefined();
    expect(events).toEqual(['whole']);
  });

  it('continues at its position if the log has it after all', async () => {
    const { events, fetch, position } = readerWith();
    expect(await fetch([], { isOutOfRange: true, position: 7n })).toBeGreaterThan(0);
    expect([events, position()]).toEqual([[], 0n]);
  });
});
