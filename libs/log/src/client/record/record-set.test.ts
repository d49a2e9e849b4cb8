import { describe, expect, it } from 'vitest';
import { Codec, pack } from '../../compression/compression.js';
import { makeMarkerBatch } from '../../protocol/markers.js';
import { makeBatch, sealBatch, setBaseOffset, type BatchFields } from '../../protocol/record-batch.js';
import { writeRecords, type RecordHeader } from '../../protocol/records.js';
import { cutBatchBytes, readRecordSet, type RecordSetOptions, type RecordSetStep } from './record-set.js';
import { headersOf } from './record.js';

const AT = 1_700_000_000_000n;
const ALL_CODECS = [Codec.NONE, Codec.GZIP, Codec.SNAPPY, Codec.LZ4];
const TRANSACTIONAL = 0x10;
const LOG_APPEND_TIME = 0x08;

interface Sample {
  readonly offset: bigint;
  readonly values: readonly (string | null)[];
  readonly deltas?: readonly number[];
  readonly headers?: readonly RecordHeader[];
  readonly codec?: number;
  readonly fields?: Partial<BatchFields>;
}

function batchOf({ offset, values, deltas, headers = [], codec = Codec.NONE, fields = {} }: Sample): Buffer {
  const records = values.map((value, i) => ({
    offsetDelta: deltas?.[i] ?? i,
    timestampDelta: BigInt(i),
    key: null,
    value: value === null ? null : Buffer.from(value),
    headers,
  }));
  return raw(offset, pack(codec, writeRecords(records)).packed, {
    count: values.length,
    lastOffsetDelta: values.length - 1,
    ...fields,
    attributes: (fields.attributes ?? 0) | codec,
  });
}

/** A batch with any bytes for records. */
function raw(offset: bigint, records: Buffer, fields: Partial<BatchFields> = {}): Buffer {
  const batch = makeBatch(
    {
      baseOffset: 0n,
      lastOffsetDelta: 0,
      attributes: 0,
      baseTimestamp: AT,
      maxTimestamp: AT,
      producerId: -1n,
      producerEpoch: -1,
      baseSequence: -1,
      count: 1,
      ...fields,
    },
    records,
  );
  setBaseOffset(batch, offset, 0);
  return batch;
}

function marker(offset: bigint, producerId: bigint, outcome: 'abort' | 'commit'): Buffer {
  const batch = makeMarkerBatch({ outcome, coordinatorEpoch: 0 }, { producerId, producerEpoch: 0 }, AT);
  setBaseOffset(batch, offset, 0);
  return batch;
}

const transactional = (producerId: bigint) => ({
  attributes: TRANSACTIONAL,
  producerId,
  producerEpoch: 0,
  baseSequence: 0,
});

function read(
  batches: readonly Buffer[],
  options: Partial<RecordSetOptions> = {},
  aborted: readonly { producerId: bigint; firstOffset: bigint }[] = [],
): RecordSetStep[] {
  return [
    ...readRecordSet(
      { bytes: Buffer.concat(batches), aborted },
      { position: 0n, highWatermark: 1_000n, maxRecords: 100, expectsGaps: () => false, ...options },
    ),
  ];
}

/** Steps as text: `offset:value,… → next`, a gap, or an undecodable batch. */
function shown(steps: readonly RecordSetStep[]): string[] {
  return steps.map((step) => {
    switch (step.kind) {
      case 'records':
        return `${step.records.map(({ offset, value }) => `${offset}:${value}`).join(',')} → ${step.nextOffset}`;
      case 'passed':
        return `→ ${step.nextOffset}`;
      case 'gap':
        return `gap ${step.expected} to ${step.found}`;
      case 'undecodable':
        return `${step.batch.reason.code} ${step.batch.baseOffset} to ${step.batch.lastOffset}`;
    }
  });
}

const good = (offset: bigint, value = 'good') => batchOf({ offset, values: [value] });

describe('readRecordSet', () => {
  it.each(ALL_CODECS)('reads records of codec %i as they were written', (codec) => {
    const headers = [
      { key: 'b', value: Buffer.from('1') },
      { key: 'none', value: null },
      { key: '__proto__', value: Buffer.from('x') },
      { key: '1', value: Buffer.from('') },
      { key: 'b', value: Buffer.from('2') },
    ];
    const [step] = read([batchOf({ offset: 5n, values: ['v', null, ''], headers, codec })], { position: 5n });
    const records = step?.kind === 'records' ? step.records : [];
    expect(
      records.map(({ offset, value, timestampMs }) => [offset, value && String(value), timestampMs]),
    ).toEqual([
      [5n, 'v', Number(AT)],
      [6n, null, Number(AT) + 1],
      [7n, '', Number(AT) + 2],
    ]);
    for (const record of records) {
      expect(headersOf(record)).toEqual(headers);
      expect(Object.keys(record.headers).sort()).toEqual(['1', '__proto__', 'b', 'none']);
      expect(String(record.headers['b'])).toBe('2');
    }
  });

  it('starts at the position, also within a batch', () => {
    const batches = [
      batchOf({ offset: 0n, values: ['a', 'b', 'c'] }),
      batchOf({ offset: 3n, values: ['d'] }),
    ];
    expect(shown(read(batches, { position: 1n }))).toEqual(['1:b,2:c,3:d → 4']);
    expect(shown(read(batches, { position: 3n }))).toEqual(['3:d → 4']);
    expect(shown(read(batches, { position: 4n }))).toEqual([]);
  });

  it('returns small batches together, and large ones in parts', () => {
    const batches = [good(0n, 'a'), batchOf({ offset: 1n, values: ['b', 'c', 'd'] }), good(4n, 'e')];
    expect(shown(read(batches))).toEqual(['0:a,1:b,2:c,3:d,4:e → 5']);
    expect(shown(read(batches, { maxRecords: 2 }))).toEqual(['0:a,1:b → 2', '2:c,3:d → 4', '4:e → 5']);
  });

  it('leaves an incomplete batch for the next fetch', () => {
    const cut = good(1n).subarray(0, -1);
    expect(shown(read([good(0n), cut]))).toEqual(['0:good → 1']);
    expect(shown(read([good(0n), cut.subarray(0, 5)]))).toEqual(['0:good → 1']);
    expect(read([cut])).toEqual([]);
    expect(cutBatchBytes(cut)).toBe(cut.length + 1);
    expect(cutBatchBytes(good(1n))).toBeUndefined();
    expect(cutBatchBytes(Buffer.alloc(0))).toBeUndefined();
  });

  it('uses the append time if the topic has LogAppendTime', () => {
    const fields = { attributes: LOG_APPEND_TIME, maxTimestamp: AT + 500n };
    const [step] = read([batchOf({ offset: 0n, values: ['a', 'b'], fields })]);
    const times = step?.kind === 'records' ? step.records.map(({ timestampMs }) => timestampMs) : [];
    expect(times).toEqual([Number(AT) + 500, Number(AT) + 500]);
  });

  it('advances past compacted records and batches', () => {
    const sparse = batchOf({
      offset: 0n,
      values: ['a', 'd'],
      deltas: [1, 3],
      fields: { lastOffsetDelta: 5 },
    });
    const emptied = batchOf({ offset: 6n, values: [], fields: { lastOffsetDelta: 2, count: 0 } });
    expect(shown(read([sparse, emptied]))).toEqual(['1:a,3:d → 9']);
    expect(shown(read([emptied], { position: 6n }))).toEqual(['→ 9']);
  });

  it('returns missing offsets as a gap, unless they are expected', () => {
    const batches = [good(2n), good(3n), good(7n)];
    expect(shown(read(batches))).toEqual(['gap 0 to 2', '2:good,3:good → 4', 'gap 4 to 7', '7:good → 8']);
    expect(shown(read(batches, { expectsGaps: () => true }))).toEqual(['2:good,3:good,7:good → 8']);
  });

  it('advances past markers, and past aborted records up to the marker of their own producer', () => {
    const batches = [
      batchOf({ offset: 0n, values: ['aborted'], fields: transactional(1n) }),
      batchOf({ offset: 1n, values: ['committed'], fields: transactional(2n) }),
      batchOf({ offset: 2n, values: ['plain'] }),
      marker(3n, 2n, 'commit'),
      batchOf({ offset: 4n, values: ['aborted too'], fields: transactional(1n) }),
      marker(5n, 1n, 'abort'),
      batchOf({ offset: 6n, values: ['next'], fields: transactional(1n) }),
    ];
    const aborted = [{ producerId: 1n, firstOffset: 0n }];
    expect(shown(read(batches, {}, aborted))).toEqual(['1:committed,2:plain,6:next → 7']);
    expect(shown(read(batches.slice(3, 6), { position: 3n }, aborted))).toEqual(['→ 6']);
  });

  it('does not confuse a key that looks like a marker with one', () => {
    const [key, value] = [Buffer.from([0, 0, 0, 0]), Buffer.from('v')];
    const records = writeRecords([{ offsetDelta: 0, timestampDelta: 0n, key, value, headers: [] }]);
    const batches = [
      raw(0n, records, transactional(1n)),
      raw(1n, records, transactional(1n)),
      marker(2n, 1n, 'abort'),
    ];
    expect(shown(read(batches, {}, [{ producerId: 1n, firstOffset: 0n }]))).toEqual(['→ 3']);
  });

  it('omits overlapping aborted transactions, for any order in the response', () => {
    const batches = [
      batchOf({ offset: 0n, values: ['began first'], fields: transactional(1n) }),
      batchOf({ offset: 1n, values: ['began second'], fields: transactional(2n) }),
      marker(2n, 2n, 'abort'),
      batchOf({ offset: 3n, values: ['of the first'], fields: transactional(1n) }),
      marker(4n, 1n, 'abort'),
      batchOf({ offset: 5n, values: ['good'], fields: transactional(2n) }),
    ];
    const first = { producerId: 1n, firstOffset: 0n };
    const second = { producerId: 2n, firstOffset: 1n };
    // Brokers order by markers: the transaction that ended first is listed first.
    for (const aborted of [
      [second, first],
      [first, second],
    ]) {
      expect(shown(read(batches, {}, aborted))).toEqual(['5:good → 6']);
    }
  });

  it('starts two aborted transactions with one batch', () => {
    const batches = [
      batchOf({ offset: 4n, values: ['x'], fields: transactional(2n) }),
      marker(5n, 2n, 'abort'),
      marker(6n, 1n, 'abort'),
      good(7n),
    ];
    const aborted = [
      { producerId: 1n, firstOffset: 1n },
      { producerId: 2n, firstOffset: 4n },
    ];
    expect(shown(read(batches, { position: 4n }, aborted))).toEqual(['7:good → 8']);
  });
});

const record = (...bytes: number[]) => Buffer.from([bytes.length * 2, ...bytes]);
const packed = (codec: number, bytes: Buffer) => [bytes, { attributes: codec }] as const;

describe('readRecordSet, of batches that cannot be decoded', () => {
  const megabytes = (count: number) => pack(Codec.GZIP, Buffer.alloc(count << 20)).packed;
  it.each<[string, Buffer, Partial<BatchFields>]>([
    ['garbage for gzip', ...packed(Codec.GZIP, Buffer.from('not gzip at all'))],
    ['garbage for snappy', ...packed(Codec.SNAPPY, Buffer.from('not snappy at all'))],
    ['garbage for lz4', ...packed(Codec.LZ4, Buffer.from('not lz4 at all'))],
    ['garbage for zstd', ...packed(Codec.ZSTD, Buffer.from('not zstd at all'))],
    ['nothing for gzip', ...packed(Codec.GZIP, Buffer.alloc(0))],
    ['a codec that does not exist', ...packed(5, Buffer.from('x'))],
    ['more than a batch may unpack to', ...packed(Codec.GZIP, megabytes(65))],
    [
      'snappy that announces 4 GB',
      ...packed(Codec.SNAPPY, Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0])),
    ],
    ['a zstd window of 1 GB', ...packed(Codec.ZSTD, Buffer.from('28b52ffd00a0010000', 'hex'))],
    ['a count of 1e9', megabytes(1), { attributes: Codec.GZIP, count: 1e9, lastOffsetDelta: 1e9 - 1 }],
    ['a negative count', record(0, 0, 0, 1, 1, 0), { count: -1 }],
    ['fewer records than announced', record(0, 0, 0, 1, 1, 0), { count: 2, lastOffsetDelta: 1 }],
    ['more records than announced', Buffer.concat([record(0, 0, 0, 1, 1, 0), record(0, 0, 2, 1, 1, 0)]), {}],
    ['a key beyond its record', record(0, 0, 0, 0x7e, 0, 0), {}],
    ['a record beyond its batch', Buffer.from([0x7e, 0, 0, 0, 1, 1, 0]), {}],
    ['a record shorter than what it holds', record(0, 0, 0, 1, 2, 0x61, 0, 0), {}],
    ['a million headers that are not there', record(0, 0, 0, 1, 1, 0x80, 0x89, 0x7a), {}],
    ['a negative number of headers', record(0, 0, 0, 1, 1, 1), {}],
    ['a header without a name', record(0, 0, 0, 1, 1, 2, 1, 1), {}],
    ['a number without end', record(0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), {}],
    [
      'offsets out of order',
      Buffer.concat([record(0, 0, 2, 1, 1, 0), record(0, 0, 0, 1, 1, 0)]),
      { count: 2, lastOffsetDelta: 1 },
    ],
    ['an offset beyond its batch', record(0, 0, 2, 1, 1, 0), {}],
  ])('returns one as a step and continues: %s', (_, bytes, fields) => {
    const last = BigInt(fields.lastOffsetDelta ?? 0) + 1n;
    const steps = read([good(0n), raw(1n, bytes, fields), good(last + 1n)], { highWatermark: 2n ** 40n });
    expect(shown(steps)).toEqual([
      '0:good → 1',
      `MALFORMED 1 to ${last}`,
      `${last + 1n}:good → ${last + 2n}`,
    ]);
  });

  it('returns a batch with more headers than the limit as undecodable', () => {
    const headers = Array.from({ length: 10_001 }, () => ({ key: '', value: null }));
    expect(shown(read([batchOf({ offset: 0n, values: ['x'], headers }), good(1n)]))).toEqual([
      'MALFORMED 0 to 0',
      '1:good → 2',
    ]);
  });

  it('returns its bytes and their hash', () => {
    const bad = raw(0n, Buffer.from('x'), { attributes: Codec.GZIP });
    const [step] = read([bad]);
    expect(step).toMatchObject({ batch: { bytes: bad, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) } });
    const large = raw(0n, Buffer.alloc(1_000_001), { attributes: Codec.GZIP });
    expect(read([large])[0]).toMatchObject({ batch: { bytes: null } });
  });

  it('trusts the offsets of a damaged batch only up to the next batch', () => {
    const damaged = (lastOffsetDelta: number) => {
      const batch = batchOf({ offset: 1n, values: ['a', 'b'] });
      batch.writeInt32BE(lastOffsetDelta, 23);
      batch[batch.length - 1] = 0xff;
      return batch;
    };
    for (const delta of [1, 0, -5, 500, 2_000_000]) {
      expect(shown(read([good(0n), damaged(delta), good(3n), good(4n)]))).toEqual([
        '0:good → 1',
        'DAMAGED 1 to 2',
        '3:good,4:good → 5',
      ]);
    }
    expect(shown(read([good(0n), damaged(1)], { highWatermark: 5n }))).toEqual([
      '0:good → 1',
      'DAMAGED 1 to 2',
    ]);
    // Without a batch after it, up to the high watermark.
    expect(shown(read([good(0n), damaged(500)], { highWatermark: 5n }))).toEqual([
      '0:good → 1',
      'DAMAGED 1 to 1',
    ]);
  });

  it('treats a batch at an impossible offset as damaged', () => {
    const astray = good(2n ** 50n);
    expect(shown(read([good(0n), astray, good(2n)]))).toEqual(['0:good → 1', 'DAMAGED 1 to 1', '2:good → 3']);
  });

  it('advances by one offset if the end of a batch is unknown', () => {
    const endless = good(1n);
    endless.writeInt32BE(-1, 8);
    expect(shown(read([good(0n), endless, good(2n)]))).toEqual(['0:good → 1', 'DAMAGED 1 to 1']);
  });

  it('does not decode records of an aborted transaction', () => {
    const bad = raw(0n, Buffer.from('x'), { ...transactional(1n), attributes: TRANSACTIONAL | Codec.GZIP });
    const aborted = [{ producerId: 1n, firstOffset: 0n }];
    expect(shown(read([bad, marker(1n, 1n, 'abort')], {}, aborted))).toEqual(['→ 2']);
  });

  it('returns a control batch without a marker as undecodable', () => {
    const bad = raw(0n, Buffer.from([0xff, 0xff]), { attributes: 0x30, producerId: 1n });
    sealBatch(bad);
    expect(shown(read([bad, good(1n)]))).toEqual(['MALFORMED 0 to 0', '1:good → 2']);
  });
});
