import { describe, expect, it } from 'vitest';
import { Codec } from '../../../compression/compression.js';
import {
  BATCH_HEADER_BYTES,
  isBatchIntact,
  readBatchHeader,
  setBaseOffset,
  type BatchHeader,
} from '../../../protocol/record-batch.js';
import { makeRecordBatch, packBatch, readableRecordsOf, writeRecords } from '../../../protocol/records.js';
import { CompactedTransactions } from './compacted-transactions.js';
import { compactBatch, NewestOffsets } from './compaction.js';

const DAY_MS = 86_400_000;

function batchAt(offset: number, ...entries: [string | null, string | null][]): Buffer {
  const bytes = (text: string | null) => (text === null ? null : Buffer.from(text));
  const batch = makeRecordBatch(
    entries.map(([key, value]) => ({ key: bytes(key), value: bytes(value) })),
    500n,
  );
  setBaseOffset(batch, BigInt(offset), 0);
  return batch;
}

function compacted(
  batches: readonly Buffer[],
  {
    nowMs = 1000,
    endOffset = 1000n,
    last = -1n,
    deleteRetentionMs = DAY_MS,
  }: { nowMs?: number; endOffset?: bigint; last?: bigint; deleteRetentionMs?: number } = {},
) {
  const newest = new NewestOffsets(1 << 20);
  for (const batch of batches) {
    if (readBatchHeader(batch).lastOffset < endOffset) newest.note(batch, new CompactedTransactions([]));
  }
  const isLastOfProducer = ({ lastOffset }: BatchHeader) => lastOffset === last;
  const transactions = new CompactedTransactions([]);
  const rules = { newest, transactions, endOffset, nowMs, deleteRetentionMs, isLastOfProducer };
  return batches.flatMap((batch) => compactBatch(batch, rules) ?? []);
}

function contentOf(batches: readonly Buffer[]): string[] {
  return batches.flatMap((batch) =>
    (readableRecordsOf(batch) ?? []).map(
      ({ offsetDelta, key, value }) =>
        `${Number(readBatchHeader(batch).baseOffset) + offsetDelta}:${key}=${value}`,
    ),
  );
}

describe('compaction', () => {
  it('keeps the newest record of each key, at its offset', () => {
    const left = compacted([
      batchAt(0, ['a', '1'], ['b', '1'], ['c', '1']),
      batchAt(3, ['a', '2']),
      batchAt(4, ['a', '3'], ['b', '2']),
    ]);
    expect(contentOf(left)).toEqual(['2:c=1', '4:a=3', '5:b=2']);
    expect(readBatchHeader(left[0] as Buffer)).toMatchObject({ baseOffset: 0n, lastOffset: 2n, count: 1 });
  });

  it('does not change batches that are kept completely', () => {
    const batch = batchAt(0, ['a', '1'], ['b', '1']);
    expect(compacted([batch])[0]?.equals(batch)).toBe(true);
  });

  it('keeps a tombstone for delete.retention.ms from the first compaction', () => {
    const first = compacted([batchAt(0, ['a', '1']), batchAt(1, ['a', null])]);
    expect(contentOf(first)).toEqual(['1:a=null']);
    expect(contentOf(compacted(first, { nowMs: 1000 + DAY_MS - 1 }))).toEqual(['1:a=null']);
    expect(contentOf(compacted(first, { nowMs: 1000 + DAY_MS }))).toEqual([]);
  });

  it('keeps tombstones forever with the largest delete.retention.ms', () => {
    const forever = { deleteRetentionMs: Number('9223372036854775807') };
    const first = compacted([batchAt(0, ['a', null], ['b', '1'])], forever);
    expect(contentOf(first)).toEqual(['0:a=null', '1:b=1']);
    const [batch] = first as [Buffer];
    expect(isBatchIntact(batch, 0, batch.length)).toBe(true);
    const { baseTimestamp, maxTimestamp } = readBatchHeader(batch);
    expect([baseTimestamp, maxTimestamp]).toEqual([2n ** 63n - 1n, 500n]);
    for (const { timestampDelta } of readableRecordsOf(batch) ?? []) {
      expect(baseTimestamp + timestampDelta).toBe(500n);
    }
    expect(contentOf(compacted(first, { ...forever, nowMs: 1000 * DAY_MS }))).toEqual(['0:a=null', '1:b=1']);
  });

  it('keeps records after the end offset', () => {
    const batches = [batchAt(0, ['a', '1']), batchAt(1, ['a', '2']), batchAt(2, ['a', '3'])];
    expect(contentOf(compacted(batches, { endOffset: 2n }))).toEqual(['1:a=2', '2:a=3']);
  });

  it.each(Object.entries(Codec))('decompresses and compresses batches with %s', (_, codec) => {
    const value = 'v'.repeat(500);
    const packed = (offset: number, ...keys: string[]) => {
      const entries = keys.map((key) => ({ key: Buffer.from(key), value: Buffer.from(value) }));
      const batch = makeRecordBatch(entries, 500n, { attributes: codec });
      setBaseOffset(batch, BigInt(offset), 0);
      return batch;
    };
    const left = compacted([packed(0, 'a', 'b', 'c'), packed(3, 'b')]);
    expect(contentOf(left)).toEqual([`0:a=${value}`, `2:c=${value}`, `3:b=${value}`]);
    expect(left.every((batch) => isBatchIntact(batch, 0, batch.length))).toBe(true);
    if (codec !== Codec.NONE) expect(left[0]?.length).toBeLessThan(value.length);
  });

  it('keeps the last batch of a producer, without its records', () => {
    const first = makeRecordBatch([{ key: Buffer.from('a'), value: Buffer.from('1') }], 500n, {
      producerId: 9n,
      producerEpoch: 2,
      baseSequence: 7,
    });
    const [left] = compacted([first, batchAt(1, ['a', '2'])], { last: 0n });
    expect(readBatchHeader(left as Buffer)).toMatchObject({
      baseOffset: 0n,
      lastOffset: 0n,
      producerId: 9n,
      producerEpoch: 2,
      baseSequence: 7,
      maxTimestamp: 500n,
      count: 0,
    });
    expect(isBatchIntact(left as Buffer, 0, BATCH_HEADER_BYTES)).toBe(true);
    expect(compacted([left as Buffer, batchAt(1, ['a', '2'])], { last: 0n })[0]).toBe(left);
    expect(contentOf(compacted([left as Buffer, batchAt(1, ['a', '2'])]))).toEqual(['1:a=2']);
  });

  it('sets the largest timestamp of the remaining records', () => {
    const batch = packBatch(
      {
        ...readBatchHeader(batchAt(0, ['a', '1'])),
        lastOffsetDelta: 1,
        baseTimestamp: 500n,
        maxTimestamp: 900n,
        count: 2,
      },
      writeRecords([
        { offsetDelta: 0, timestampDelta: 400n, key: Buffer.from('a'), value: Buffer.from('1'), headers: [] },
        { offsetDelta: 1, timestampDelta: 0n, key: Buffer.from('b'), value: Buffer.from('1'), headers: [] },
      ]),
    );
    const [left] = compacted([batch, batchAt(2, ['a', '2'])]);
    expect(readBatchHeader(left as Buffer)).toMatchObject({ lastOffset: 1n, maxTimestamp: 500n });
  });

  it('limits the memory for keys', () => {
    const newest = new NewestOffsets(1);
    expect(newest.isFull).toBe(false);
    newest.note(batchAt(0, ['a', '1']), new CompactedTransactions([]));
    expect(newest.isFull).toBe(true);
  });
});
