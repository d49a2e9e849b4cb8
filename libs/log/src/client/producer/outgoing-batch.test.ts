import { describe, expect, it } from 'vitest';
import { readBatchHeader } from '../../protocol/record-batch.js';
import { Delivery, PendingRecord } from './delivery.js';
import { OutgoingBatch } from './outgoing-batch.js';

const PRODUCER = { producerId: 7n, producerEpoch: 2 };

function batchOf(count: number): OutgoingBatch {
  const delivery = new Delivery(count, 0);
  const content = { topic: 'points', key: null, headers: [], timestampMs: 0, partition: 3 };
  const records = Array.from(
    { length: count },
    (_, n) => new PendingRecord(delivery, n, { ...content, value: Buffer.from(String(n)) }),
  );
  return new OutgoingBatch({ topic: 'points', partition: 3, records });
}

describe(OutgoingBatch, () => {
  it('has the identity and the sequence number of its first encoding in every attempt', () => {
    const batch = batchOf(3);
    const bytes = batch.encode(PRODUCER, 5, 0);
    expect(readBatchHeader(bytes)).toMatchObject({ ...PRODUCER, baseSequence: 5, count: 3 });
    expect(batch.encode({ producerId: 8n, producerEpoch: 0 }, 0, 0)).toBe(bytes);
    expect(batch.nextSequence).toBe(8);
  });

  it.each([
    [0x7fffffff, 1, 0],
    [0x7ffffffe, 1, 0x7fffffff],
    [0x7ffffffe, 5, 3],
  ])('continues after the sequence number %i and %i records with %i', (first, count, next) => {
    const batch = batchOf(count);
    batch.encode(PRODUCER, first, 0);
    expect(batch.nextSequence).toBe(next);
  });

  it('is lost if it may be in the log, until an attempt appends it', () => {
    const batch = batchOf(1);
    batch.outcome = { kind: 'failed', error: new Error('refused') };
    expect(batch.isLost).toBe(false);
    batch.isUncertain = true;
    expect(batch.isLost).toBe(true);
    batch.outcome = { kind: 'appended', baseOffset: 0n };
    expect(batch.isLost).toBe(false);
  });
});
