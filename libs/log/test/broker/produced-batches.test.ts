import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Codec, pack } from '../../src/compression/compression.js';
import { makeBatch, readBatchHeader } from '../../src/protocol/record-batch.js';
import { writeRecords } from '../../src/protocol/records.js';
import { startTestBroker, type TestBroker } from '../../src/testing.js';
import { LogUnderTest } from '../scenarios/log-under-test.js';
import { batchesIn, keyedBatchOf, type TopicUnderTest } from '../scenarios/topic-under-test.js';

const NOW = BigInt(Date.now());
const VERSIONS = [7, 8, 9];

let broker: TestBroker;
beforeAll(async () => {
  broker = await startTestBroker();
});
afterAll(() => broker.stop());

function batchOf(codec: number, packed: Buffer, count = 1): Buffer {
  return makeBatch(
    {
      baseOffset: 0n,
      lastOffsetDelta: count - 1,
      attributes: codec,
      baseTimestamp: NOW,
      maxTimestamp: NOW,
      producerId: -1n,
      producerEpoch: -1,
      baseSequence: -1,
      count,
    },
    packed,
  );
}

function records(offsetDeltas: readonly number[], value = Buffer.from('v')): Buffer {
  return writeRecords(
    offsetDeltas.map((offsetDelta) => ({ offsetDelta, timestampDelta: 0n, key: null, value, headers: [] })),
  );
}

/** Expects that the batch is refused and nothing stored, and that the next batch is stored. */
async function expectRefused(
  topic: TopicUnderTest,
  batch: Buffer,
  error: string,
  version = 9,
): Promise<void> {
  expect(await topic.produce(Buffer.from(batch), { version })).toMatchObject({ error, baseOffset: -1n });
  expect(await topic.fetch()).toMatchObject({ error: 'NONE', highWatermark: 0n });
}

// Apache Kafka 4.3 responds UNKNOWN_SERVER_ERROR if a batch cannot be decompressed, and stores uncompressed records
// with any offset deltas, so that its readers receive offsets twice.
describe('a batch that consumers could not decode', () => {
  it.each(
    Object.entries(Codec)
      .filter(([, codec]) => codec !== Codec.NONE)
      .flatMap(([name, codec]) => VERSIONS.map((version) => ({ name, codec, version }))),
  )('is refused: invalid $name, Produce $version', async ({ codec, version }) => {
    using log = new LogUnderTest([broker.address]);
    const topic = await log.topic();
    const packed = Buffer.from('this is no compressed data at all');
    await expectRefused(topic, batchOf(codec, packed), 'INVALID_RECORD', version);
    const cut = pack(codec, records([0], Buffer.alloc(1_000))).packed;
    await expectRefused(topic, batchOf(codec, cut.subarray(0, cut.length - 6)), 'INVALID_RECORD', version);
    await topic.append(['after']);
  });

  it.each([
    ['a gap', [0, 2]],
    ['one twice', [0, 0]],
    ['backwards', [1, 0]],
  ])('is refused: offset deltas with %s', async (_, deltas) => {
    using log = new LogUnderTest([broker.address]);
    const topic = await log.topic();
    for (const codec of Object.values(Codec)) {
      const { codec: packedWith, packed } = pack(codec, records(deltas));
      await expectRefused(topic, batchOf(packedWith, packed, 2), 'INVALID_RECORD');
    }
  });

  it('is refused: a count larger than the number of records, in gzip', async () => {
    using log = new LogUnderTest([broker.address]);
    const topic = await log.topic();
    await expectRefused(topic, batchOf(Codec.GZIP, gzipSync(Buffer.alloc(1e6)), 1e9), 'INVALID_RECORD');
  });

  it('is refused: more bytes than a batch may decompress to', async () => {
    using log = new LogUnderTest([broker.address]);
    const topic = await log.topic();
    const bomb = gzipSync(records([0], Buffer.alloc(100e6)));
    await expectRefused(topic, batchOf(Codec.GZIP, bomb), 'MESSAGE_TOO_LARGE');
  });

  it('is refused by a topic that recompresses', async () => {
    using log = new LogUnderTest([broker.address]);
    const topic = await log.topic({ configs: { 'compression.type': 'lz4' } });
    await expectRefused(topic, batchOf(Codec.GZIP, Buffer.from('no gzip')), 'INVALID_RECORD');
  });
});

describe('compression.type', () => {
  it('refuses a batch that is too large after recompression', async () => {
    using log = new LogUnderTest([broker.address]);
    const configs = { 'compression.type': 'uncompressed', 'max.message.bytes': '2000' };
    const topic = await log.topic({ configs });
    const { packed } = pack(Codec.GZIP, records([0], Buffer.alloc(5_000)));
    await expectRefused(topic, batchOf(Codec.GZIP, packed), 'MESSAGE_TOO_LARGE');
  });

  it('keeps sequence numbers, so that a repeat is recognized', async () => {
    using log = new LogUnderTest([broker.address]);
    const topic = await log.topic({ configs: { 'compression.type': 'gzip' } });
    const batch = keyedBatchOf([['k', 'v']], { producerId: 9_000n, producerEpoch: 3, baseSequence: 0 });
    for (const _ of [1, 2]) {
      expect(await topic.produce(Buffer.from(batch))).toMatchObject({ error: 'NONE', baseOffset: 0n });
    }
    const [stored] = batchesIn((await topic.fetch()).records);
    expect(readBatchHeader(stored as Buffer)).toMatchObject({
      attributes: Codec.GZIP,
      producerId: 9_000n,
      producerEpoch: 3,
      baseSequence: 0,
    });
  });

  it('returns no zstd batch to consumers that do not support it', async () => {
    using log = new LogUnderTest([broker.address]);
    const topic = await log.topic({ configs: { 'compression.type': 'zstd' } });
    await topic.append(['a']);
    expect(await topic.fetch({ version: 9 })).toMatchObject({ error: 'UNSUPPORTED_COMPRESSION_TYPE' });
    expect(await topic.values({ version: 10 })).toEqual(['a']);
  });
});
