import { describe, expect, it } from 'vitest';
import { makeMarkerBatch, readMarker } from './markers.js';
import { isBatchIntact, readBatchHeader } from './record-batch.js';
import { makeRecordBatch } from './records.js';

const PRODUCER = { producerId: 7n, producerEpoch: 2 };

describe('a marker', () => {
  it("has the same bytes as Kafka's", () => {
    const batch = makeMarkerBatch({ outcome: 'commit', coordinatorEpoch: 3 }, PRODUCER, 1000n);
    const crc = batch.subarray(17, 21).toString('hex');
    expect(batch.toString('hex')).toBe(
      [
        '0000000000000000', // base offset, set on the append
        '00000042', // 66 bytes follow
        '00000000', // leader epoch
        '02', // magic
        crc,
        '0030', // attributes: transactional, control
        '00000000', // last offset delta
        '00000000000003e8', // base timestamp
        '00000000000003e8', // largest timestamp
        '0000000000000007', // producer id
        '0002', // producer epoch
        'ffffffff', // no sequence
        '00000001', // one record:
        '20000000', // 16 bytes, attributes, timestamp delta, offset delta
        '0800000001', // key of 4: version 0, type 1
        '0c000000000003', // value of 6: version 0, coordinator epoch
        '00', // no headers
      ].join(''),
    );
    expect(isBatchIntact(batch, 0, batch.length)).toBe(true);
    expect(readBatchHeader(batch)).toMatchObject({ ...PRODUCER, transactional: true, control: true });
  });

  it.each(['commit', 'abort'] as const)('is decoded: %s', (outcome) => {
    const marker = { outcome, coordinatorEpoch: 3 };
    expect(readMarker(makeMarkerBatch(marker, PRODUCER, 1n))).toEqual(marker);
  });

  it('is undefined for a batch of records, for another type, and without its record', () => {
    const key = Buffer.from('k');
    expect(readMarker(makeRecordBatch([{ key, value: key }], 1n))).toBeUndefined();
    const leaderChange = Buffer.from('00000002', 'hex');
    expect(readMarker(makeRecordBatch([{ key: leaderChange, value: key }], 1n, { attributes: 0x20 }))).toBe(
      undefined,
    );
    expect(readMarker(makeRecordBatch([], 1n, { attributes: 0x30 }))).toBeUndefined();
  });
});
