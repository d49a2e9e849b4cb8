import { expect } from 'vitest';
import { readBatchHeader, sealBatch } from '../../src/protocol/record-batch.js';
import { makeRecordBatch, packBatch, writeRecords } from '../../src/protocol/records.js';
import { Api, only } from './apis.js';
import { request } from '../broker/raw-client.js';
import { area, each } from './scenario.js';
import { batchesIn, batchOf, keyedBatchOf, valuesIn } from './topic-under-test.js';

const CODECS = { none: 0, gzip: 1, snappy: 2, lz4: 3 } as const;
const ZSTD = 4;
const CONTROL = 0x20;
const LOG_APPEND_TIME = 0x08;
const HOUR_MS = 3_600_000;
/** Positions of fields in a batch. */
const AT = { magic: 16, crc: 17, attributes: 21, lastOffsetDelta: 23, maxTimestamp: 35, count: 57 } as const;

/** Invalid batches, with the broker's error for each. */
const BAD_BATCHES: Readonly<Record<string, { spoil: (batch: Buffer) => Buffer; error: string }>> = {
  'a wrong CRC': {
    spoil: (batch) => {
      batch.writeUInt8(batch.readUInt8(batch.length - 1) ^ 1, batch.length - 1);
      return batch;
    },
    error: 'CORRUPT_MESSAGE',
  },
  'a last offset that does not match the count': {
    spoil: (batch) => {
      batch.writeInt32BE(7, AT.lastOffsetDelta);
      sealBatch(batch);
      return batch;
    },
    error: 'INVALID_RECORD',
  },
  'a count larger than the number of records': {
    spoil: (batch) => {
      batch.writeInt32BE(5, AT.count);
      batch.writeInt32BE(4, AT.lastOffsetDelta);
      sealBatch(batch);
      return batch;
    },
    error: 'INVALID_RECORD',
  },
  'no records': {
    spoil: (batch) => {
      const empty = Buffer.from(batch.subarray(0, 61));
      empty.writeInt32BE(61 - 12, 8);
      empty.writeInt32BE(0, AT.count);
      empty.writeInt32BE(-1, AT.lastOffsetDelta);
      sealBatch(empty);
      return empty;
    },
    error: 'INVALID_RECORD',
  },
  'an old magic byte': {
    spoil: (batch) => {
      batch.writeUInt8(1, AT.magic);
      return batch;
    },
    error: 'INVALID_RECORD',
  },
  'a second batch after it': {
    spoil: (batch) => Buffer.concat([batch, batchOf(['b'])]),
    error: 'INVALID_RECORD',
  },
  'a length that is too small': {
    spoil: (batch) => {
      batch.writeInt32BE(10, 8);
      return batch;
    },
    error: 'CORRUPT_MESSAGE',
  },
  'the control attribute': {
    spoil: (batch) => {
      batch.writeInt16BE(CONTROL, AT.attributes);
      sealBatch(batch);
      return batch;
    },
    error: 'INVALID_RECORD',
  },
};

export const produceArea = area('Produce', {
  ...each(
    [3, 4, 5, 6, 7, 8, 9],
    'version $ appends a batch and returns its base offset',
    async (log, version) => {
      const topic = await log.topic();
      await topic.append(['before']);
      const produced = await topic.produce(batchOf(['a', 'b']), { version });
      expect(produced).toMatchObject({ error: 'NONE', baseOffset: 1n, logAppendTimeMs: -1n });
      expect(produced.logStartOffset).toBe(version >= 5 ? 0n : -1n);
      expect(await topic.values()).toEqual(['before', 'a', 'b']);
    },
  ),
  ...each(
    Object.keys(CODECS) as (keyof typeof CODECS)[],
    'stores a batch with codec $ unchanged',
    async (log, codec) => {
      const topic = await log.topic();
      const batch = batchOf(['a'.repeat(2000), 'b'.repeat(2000)], { attributes: CODECS[codec] });
      expect(readBatchHeader(batch).attributes).toBe(CODECS[codec]);
      expect(await topic.produce(batch)).toMatchObject({ error: 'NONE', baseOffset: 0n });
      const storedBatch = only(batchesIn((await topic.fetch()).records));
      // Compares everything except the leader epoch, which the CRC does not cover.
      expect(storedBatch.subarray(AT.magic).equals(batch.subarray(AT.magic))).toBe(true);
    },
  ),
  'refuses zstd before version 7': async (log) => {
    const topic = await log.topic();
    const batch = batchOf(['a']);
    batch.writeInt16BE(ZSTD, AT.attributes);
    sealBatch(batch);
    expect(await topic.produce(batch, { version: 6 })).toMatchObject({
      error: 'UNSUPPORTED_COMPRESSION_TYPE',
    });
  },
  ...each(Object.keys(BAD_BATCHES), 'refuses a batch with $', async (log, what) => {
    const { spoil, error } = BAD_BATCHES[what] as (typeof BAD_BATCHES)[string];
    const topic = await log.topic();
    expect(await topic.produce(spoil(batchOf(['a'])))).toMatchObject({ error, baseOffset: -1n });
    expect(await topic.fetch()).toMatchObject({ error: 'NONE', highWatermark: 0n });
    await topic.append(['after']);
  }),
  'refuses null records': async (log) => {
    const topic = await log.topic();
    expect(await topic.produce(Buffer.alloc(0))).toMatchObject({ error: 'INVALID_RECORD' });
  },
  'accepts a batch of max.message.bytes and refuses a larger one': async (log) => {
    const batch = batchOf([Buffer.alloc(1000)]);
    const topic = await log.topic({ configs: { 'max.message.bytes': String(batch.length) } });
    expect(await topic.produce(batchOf([Buffer.alloc(1001)]))).toMatchObject({ error: 'MESSAGE_TOO_LARGE' });
    expect(await topic.produce(batch)).toMatchObject({ error: 'NONE', baseOffset: 0n });
  },
  ...each([2, -2, 100], 'refuses acks $', async (log, acks) => {
    const topic = await log.topic();
    expect(await topic.produce(batchOf(['a']), { acks })).toMatchObject({ error: 'INVALID_REQUIRED_ACKS' });
    expect(await topic.values()).toEqual([]);
  }),
  'responds to acks 1 with the offset': async (log) => {
    const topic = await log.topic();
    expect(await topic.produce(batchOf(['a']), { acks: 1 })).toMatchObject({ error: 'NONE', baseOffset: 0n });
  },
  'does not respond to acks 0, and responds to the next request': async (log) => {
    const topic = await log.topic();
    const client = topic.leader();
    client.send(request(Api.Produce as number, 9, 70, topic.produceRequest(batchOf(['a']), { acks: 0 })));
    expect(await topic.produce(batchOf(['b']))).toMatchObject({ error: 'NONE', baseOffset: 1n });
    expect(await topic.values()).toEqual(['a', 'b']);
  },
  'closes the connection if a batch with acks 0 is refused': async (log) => {
    const topic = await log.topic();
    const batch = batchOf(['a']);
    batch.writeUInt8(9, batch.length - 1);
    topic.leader().send(request(Api.Produce as number, 9, 70, topic.produceRequest(batch, { acks: 0 })));
    await topic.leader().closed;
  },
  'does not create topics': async (log) => {
    const topic = await log.topic();
    const name = log.name();
    const body = { ...topic.produceRequest(batchOf(['a'])), topics: [partitionOf(name, 0, batchOf(['a']))] };
    const answer = await topic.leader().call<Answer>(Api.Produce as number, 9, body);
    expect(only(only(answer.topics).partitions).errorCode).toBe(UNKNOWN_TOPIC_OR_PARTITION);
    const { topics } = await log.metadata([name]);
    expect(only(topics).errorCode).toBe(UNKNOWN_TOPIC_OR_PARTITION);
  },
  'refuses an unknown partition and accepts the others in the request': async (log) => {
    const topic = await log.topic();
    const body = {
      ...topic.produceRequest(null),
      topics: [partitionOf(topic.name, 9, batchOf(['lost'])), partitionOf(topic.name, 0, batchOf(['kept']))],
    };
    const answer = await topic.leader().call<Answer>(Api.Produce as number, 9, body);
    const codes = answer.topics
      .flatMap(({ partitions }) => partitions)
      .map(({ index, errorCode }) => [index, errorCode]);
    expect(Object.fromEntries(codes)).toEqual({ 0: 0, 9: UNKNOWN_TOPIC_OR_PARTITION });
    expect(await topic.values()).toEqual(['kept']);
  },
  'refuses writes of clients to __consumer_offsets': async (log) => {
    const group = await log.group();
    const member = await group.member();
    const topic = await log.topic();
    await member.commit(topic.name, 1n);
    const body = {
      ...topic.produceRequest(null),
      topics: [partitionOf('__consumer_offsets', 0, keyedBatchOf([['k', 'v']]))],
    };
    const offsets = await log.existingTopic('__consumer_offsets');
    const answer = await offsets.leader().call<Answer>(Api.Produce as number, 9, body);
    expect(only(only(answer.topics).partitions).errorCode).toBe(INVALID_TOPIC_EXCEPTION);
  },
  'appends to several topics and partitions in one request': async (log) => {
    const topic = await log.topic({ numPartitions: 3 });
    for (const partition of [0, 1, 2]) await topic.append([`to ${partition}`], {}, partition);
    for (const partition of [0, 1, 2]) expect(await topic.values({ partition })).toEqual([`to ${partition}`]);
  },
  'refuses records without a key on a compacted topic': async (log) => {
    const topic = await log.topic({ configs: { 'cleanup.policy': 'compact' } });
    expect(await topic.produce(batchOf(['a']))).toMatchObject({ error: 'INVALID_RECORD' });
    expect(await topic.produce(keyedBatchOf([['k', 'v']]))).toMatchObject({ error: 'NONE', baseOffset: 0n });
  },
  'refuses compressed records without a key on a compacted topic': async (log) => {
    const topic = await log.topic({ configs: { 'cleanup.policy': 'compact' } });
    expect(await topic.produce(batchOf(['a'], { attributes: CODECS.gzip }))).toMatchObject({
      error: 'INVALID_RECORD',
    });
    expect(await topic.values()).toEqual([]);
  },
  'sets the timestamp of the append with message.timestamp.type LogAppendTime': async (log) => {
    const topic = await log.topic({ configs: { 'message.timestamp.type': 'LogAppendTime' } });
    const before = Date.now();
    const batch = batchOf(['a'], { baseTimestamp: 1n, maxTimestamp: 1n });
    const { error, logAppendTimeMs } = await topic.produce(batch);
    expect(error).toBe('NONE');
    expect(Number(logAppendTimeMs)).toBeGreaterThanOrEqual(before - 1000);
    const { attributes, maxTimestamp } = readBatchHeader(only(batchesIn((await topic.fetch()).records)));
    expect({ attributes, maxTimestamp }).toEqual({
      attributes: LOG_APPEND_TIME,
      maxTimestamp: logAppendTimeMs,
    });
  },
  'refuses timestamps more than an hour in the future and accepts old ones': async (log) => {
    const topic = await log.topic();
    const at = (ms: number) => ({ baseTimestamp: BigInt(ms), maxTimestamp: BigInt(ms) });
    const ahead = batchOf(['a'], at(Date.now() + 2 * HOUR_MS));
    expect(await topic.produce(ahead)).toMatchObject({ error: 'INVALID_TIMESTAMP' });
    expect(await topic.produce(batchOf(['b'], at(Date.now() + HOUR_MS / 2)))).toMatchObject({
      error: 'NONE',
    });
    expect(await topic.produce(batchOf(['c'], at(Date.now() - 24 * HOUR_MS)))).toMatchObject({
      error: 'NONE',
    });
    expect(await topic.produce(batchOf(['d'], at(-1)))).toMatchObject({ error: 'NONE' });
    expect(await topic.values()).toEqual(['b', 'c', 'd']);
  },
  ...each(
    Object.keys(CODECS) as (keyof typeof CODECS)[],
    'validates each record of a batch with codec $',
    async (log, codec) => {
      const topic = await log.topic();
      const at = (...deltas: number[]) => timedBatchOf(CODECS[codec], deltas.map(BigInt));
      const refused = await topic.produce(at(0, 2 * HOUR_MS, -5));
      expect(refused).toMatchObject({ error: 'INVALID_TIMESTAMP', baseOffset: -1n });
      expect(refused.recordErrors.map(({ batchIndex }) => batchIndex)).toEqual([1]);
      for (const count of [2, 4]) {
        const wrong = at(0, 1, 2);
        wrong.writeInt32BE(count, AT.count);
        wrong.writeInt32BE(count - 1, AT.lastOffsetDelta);
        sealBatch(wrong);
        expect(await topic.produce(wrong)).toMatchObject({ error: 'INVALID_RECORD', baseOffset: -1n });
      }
      expect(await topic.fetch()).toMatchObject({ highWatermark: 0n });
    },
  ),
  ...each(
    Object.keys(CODECS) as (keyof typeof CODECS)[],
    'sets the largest timestamp of a batch with codec $ from its records',
    async (log, codec) => {
      const topic = await log.topic();
      const lies = [[0n, 70n, 30n], [0n], [0n]].map((deltas) => timedBatchOf(CODECS[codec], deltas));
      lies[0]?.writeBigInt64BE(1n, AT.maxTimestamp);
      lies[1]?.writeBigInt64BE(2n ** 60n, AT.maxTimestamp);
      lies[2]?.writeInt16BE(CODECS[codec] | LOG_APPEND_TIME, AT.attributes);
      for (const [i, largest] of [70n, 0n, 0n].entries()) {
        const batch = lies[i] as Buffer;
        sealBatch(batch);
        const { error, baseOffset } = await topic.produce(Buffer.from(batch));
        expect(error).toBe('NONE');
        const storedBatch = only(batchesIn((await topic.fetch({ offset: baseOffset })).records));
        const { baseTimestamp, maxTimestamp, attributes } = readBatchHeader(storedBatch);
        expect({ largest: maxTimestamp - baseTimestamp, attributes }).toEqual({
          largest,
          attributes: CODECS[codec],
        });
      }
    },
  ),
  ...each(
    [8, 9],
    'version $ returns the refused records and stores the other batches',
    async (log, version) => {
      const compacted = await log.topic({ configs: { 'cleanup.policy': 'compact' }, numPartitions: 2 });
      const bad = keyedOrNotBatchOf([null, 'k', null]);
      const body = {
        ...compacted.produceRequest(null),
        topics: [
          partitionOf(compacted.name, 0, bad),
          partitionOf(compacted.name, 1, keyedBatchOf([['k', 'v']])),
        ],
      };
      const answer = await compacted.leader().call<RefusedAnswer>(Api.Produce as number, version, body);
      const partitions = answer.topics.flatMap((each) => each.partitions);
      const refused = partitions.find(({ index }) => index === 0);
      expect(refused).toMatchObject({ errorCode: 87, baseOffset: -1n });
      expect(refused?.errorMessage).not.toBe(null);
      expect(refused?.recordErrors.map(({ batchIndex }) => batchIndex)).toEqual([0, 2]);
      expect(partitions.find(({ index }) => index === 1)).toMatchObject({
        errorCode: 0,
        baseOffset: 0n,
        recordErrors: [],
      });
      expect(await compacted.values({ partition: 0 })).toEqual([]);
      expect(await compacted.values({ partition: 1 })).toEqual(['v']);
    },
  ),
  ...each(
    ['uncompressed', ...Object.keys(CODECS).slice(1), 'producer'],
    "compresses with the topic's compression.type: $",
    async (log, type) => {
      const topic = await log.topic({ configs: { 'compression.type': type } });
      for (const codec of Object.values(CODECS)) {
        const values = ['a'.repeat(500), 'b'.repeat(500)];
        const { baseOffset } = await topic.produce(batchOf(values, { attributes: codec }));
        const storedBatch = only(batchesIn((await topic.fetch({ offset: baseOffset })).records));
        const stored =
          type === 'producer' ? codec : type === 'uncompressed' ? 0 : CODECS[type as keyof typeof CODECS];
        expect(readBatchHeader(storedBatch)).toMatchObject({ attributes: stored, baseOffset, count: 2 });
        expect(valuesIn(storedBatch)).toEqual(values);
      }
    },
  ),
  'accepts any timestamp that is not too far in the future': async (log) => {
    const topic = await log.topic();
    for (const timestamp of [-1n, -2n, 0n, 1n]) {
      const batch = batchOf(['a'], { baseTimestamp: timestamp, maxTimestamp: timestamp });
      expect(await topic.produce(batch)).toMatchObject({ error: 'NONE' });
    }
    for (const timestamp of [-(2n ** 63n), BigInt(Date.now()) * 1000n, 2n ** 63n - 1n]) {
      const batch = batchOf(['a'], { baseTimestamp: timestamp, maxTimestamp: timestamp });
      expect(await topic.produce(batch)).toMatchObject({ error: 'INVALID_TIMESTAMP' });
    }
  },
  'refuses timestamps older than message.timestamp.before.max.ms': async (log) => {
    const topic = await log.topic({ configs: { 'message.timestamp.before.max.ms': '60000' } });
    const old = BigInt(Date.now() - HOUR_MS);
    const batch = batchOf(['a'], { baseTimestamp: old, maxTimestamp: old });
    expect(await topic.produce(batch)).toMatchObject({ error: 'INVALID_TIMESTAMP' });
    await topic.append(['b']);
  },
  'preserves order and offsets of pipelined requests on one connection': async (log) => {
    const topic = await log.topic();
    const client = topic.leader();
    const expectedValues = Array.from({ length: 20 }, (_, i) => `value ${i}`);
    expectedValues.forEach((value, i) =>
      client.send(request(Api.Produce as number, 9, 1000 + i, topic.produceRequest(batchOf([value])))),
    );
    for (const i of expectedValues.keys()) expect((await client.frame()).readInt32BE(0)).toBe(1000 + i);
    expect(valuesIn((await topic.fetch()).records)).toEqual(expectedValues);
  },
});

const UNKNOWN_TOPIC_OR_PARTITION = 3;
const INVALID_TOPIC_EXCEPTION = 17;

interface Answer {
  readonly topics: { readonly partitions: { readonly index: number; readonly errorCode: number }[] }[];
}

interface RefusedAnswer {
  readonly topics: {
    readonly partitions: {
      readonly index: number;
      readonly errorCode: number;
      readonly baseOffset: bigint;
      readonly recordErrors: readonly { batchIndex: number; message: string | null }[];
      readonly errorMessage: string | null;
    }[];
  }[];
}

/** Records without keys, with timestamps relative to now in milliseconds. */
function timedBatchOf(codec: number, deltas: readonly bigint[]): Buffer {
  const now = BigInt(Date.now());
  const records = deltas.map((timestampDelta, offsetDelta) => ({
    offsetDelta,
    timestampDelta,
    key: null,
    value: Buffer.from('v'),
    headers: [],
  }));
  return packBatch(
    {
      baseOffset: 0n,
      lastOffsetDelta: deltas.length - 1,
      attributes: codec,
      baseTimestamp: now,
      maxTimestamp: now,
      producerId: -1n,
      producerEpoch: -1,
      baseSequence: -1,
      count: deltas.length,
    },
    writeRecords(records),
  );
}

function keyedOrNotBatchOf(keys: readonly (string | null)[]): Buffer {
  const entries = keys.map((key) => ({
    key: key === null ? null : Buffer.from(key),
    value: Buffer.from('v'),
  }));
  return makeRecordBatch(entries, BigInt(Date.now()));
}

function partitionOf(name: string, index: number, batch: Buffer) {
  return { name, partitions: [{ index, records: [batch] }] };
}
