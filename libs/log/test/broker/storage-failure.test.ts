import { describe, expect, it } from 'vitest';
import type { FileSystem } from '../../src/broker/index.js';
import { readBatchHeader } from '../../src/protocol/record-batch.js';
import { makeRecordBatch } from '../../src/protocol/records.js';
import { startTestBroker } from '../../src/testing.js';
import { RawClient } from './raw-client.js';
import { sampleRequests, SAMPLE_TOPIC } from './samples.js';
import { diskThatWrites } from './writing-disk.js';

const KAFKA_STORAGE_ERROR = 56;
const PRODUCE = 0;
const FETCH = 1;
const METADATA = 3;
const OFFSET_COMMIT = 8;

/** A disk that can be full. A failed write stores half of its bytes, as on a real disk. */
function fillableDisk(): { files: FileSystem; full: boolean } {
  const disk = {
    full: false,
    files: diskThatWrites(async (_, real, buffers, position) => {
      if (!disk.full) return real.write(buffers, position);
      const all = Buffer.concat(buffers);
      await real.write([all.subarray(0, all.length / 2)], position);
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    }),
  };
  return disk;
}

interface Produced {
  topics: { partitions: { errorCode: number; baseOffset: bigint }[] }[];
}
interface Fetched {
  topics: { partitions: { errorCode: number; highWatermark: bigint; records: Buffer[] }[] }[];
}

describe('a full disk', () => {
  it('fails producers and commits with KAFKA_STORAGE_ERROR, serves readers, and recovers once space is free', async () => {
    const disk = fillableDisk();
    await using broker = await startTestBroker({ files: disk.files });
    using client = await RawClient.connect(broker.port);
    const samples = sampleRequests();
    await client.call(METADATA, 6, samples['Metadata'] as object);
    let sequence = 0;
    const produce = async (producerSequence = sequence) => {
      const records = [
        makeRecordBatch([{ key: null, value: Buffer.from(`${producerSequence}`) }], 1n, {
          producerId: 5n,
          producerEpoch: 0,
          baseSequence: producerSequence,
        }),
      ];
      const answer = await client.call<Produced>(PRODUCE, 9, {
        ...samples['Produce'],
        topics: [{ name: SAMPLE_TOPIC, partitions: [{ index: 0, records }] }],
      });
      const [partition] = answer.topics[0]?.partitions ?? [];
      if (partition?.errorCode === 0) sequence = producerSequence + 1;
      return partition;
    };
    expect(await produce()).toMatchObject({ errorCode: 0, baseOffset: 0n });
    disk.full = true;
    expect(await produce()).toMatchObject({ errorCode: KAFKA_STORAGE_ERROR });
    const commit = await client.call<Produced>(OFFSET_COMMIT, 8, samples['OffsetCommit'] as object);
    expect(commit.topics[0]?.partitions[0]?.errorCode).toBe(KAFKA_STORAGE_ERROR);
    const read = async () => {
      const answer = await client.call<Fetched>(FETCH, 12, samples['Fetch'] as object);
      return answer.topics[0]?.partitions[0];
    };
    expect(await read()).toMatchObject({ errorCode: 0, highWatermark: 1n });
    disk.full = false;
    // The same sequence number, as sent by a producer that retries.
    expect(await produce()).toMatchObject({ errorCode: 0, baseOffset: 1n });
    await broker.restart();
    using other = await RawClient.connect(broker.port);
    const answer = await other.call<Fetched>(FETCH, 12, samples['Fetch'] as object);
    const [partition] = answer.topics[0]?.partitions ?? [];
    expect(partition).toMatchObject({ errorCode: 0, highWatermark: 2n });
    expect(readBatchHeader(Buffer.concat(partition?.records ?? []))).toMatchObject({ baseSequence: 0 });
  });
});
