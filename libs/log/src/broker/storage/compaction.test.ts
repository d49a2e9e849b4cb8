import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../protocol/error-codes.js';
import { Codec } from '../../compression/compression.js';
import { BATCH_HEADER_BYTES, readBatchHeader, setBaseOffset } from '../protocol/record-batch.js';
import { makeRecordBatch, recordsOf } from '../protocol/records.js';
import { checkKeys, CompactedTransactions, compactBatches, NewestOffsets } from './compaction.js';

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

function compacted(batches: readonly Buffer[], nowMs = 1000) {
  const newest = new NewestOffsets();
  for (const batch of batches) newest.note(batch, new CompactedTransactions([]));
  const transactions = new CompactedTransactions([]);
  return compactBatches(Buffer.concat(batches), { newest, transactions, nowMs, deleteRetentionMs: DAY_MS })
    .batches;
}

function contentOf(batches: readonly Buffer[]): string[] {
  return batches.flatMap((batch) =>
    recordsOf(batch).map(
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

  it('leaves batches of which nothing goes as they are', () => {
    const batch = batchAt(0, ['a', '1'], ['b', '1']);
    expect(compacted([batch])[0]?.equals(batch)).toBe(true);
  });

  it('keeps a tombstone until its time has come, counted from the first pass', () => {
    const first = compacted([batchAt(0, ['a', '1']), batchAt(1, ['a', null])]);
    expect(contentOf(first)).toEqual(['1:a=null']);
    expect(contentOf(compacted(first, 1000 + DAY_MS - 1))).toEqual(['1:a=null']);
    expect(contentOf(compacted(first, 1000 + DAY_MS))).toEqual([]);
  });

  it.each(Object.entries(Codec))('refuses records without a key, packed with %s too', (_, codec) => {
    const packed = (...keys: (string | null)[]) => {
      const entries = keys.map((key) => ({ key: key === null ? null : Buffer.from(key), value: null }));
      return makeRecordBatch(entries, 500n, { attributes: codec });
    };
    const refusal = expect.objectContaining({ code: ErrorCode.INVALID_RECORD });
    expect(checkKeys(packed('a', 'b'))).toBeUndefined();
    expect(() => checkKeys(packed('a', null))).toThrow(refusal);
    const unreadable = packed('a');
    unreadable.fill(0xee, BATCH_HEADER_BYTES);
    expect(() => checkKeys(unreadable)).toThrow(refusal);
  });
});
