import { describe, expect, it } from 'vitest';
import { makeRecordBatch } from '../../protocol/records.js';
import { ReadAhead, type FetchRequest, type FetchResponse } from './read-ahead.js';

const PARTITION_BYTES = 2_000;

function requestAt(offsets: Readonly<Record<number, number>>): FetchRequest {
  const partitions = Object.entries(offsets).map(([partition, offset]) => ({
    partition: Number(partition),
    fetchOffset: String(offset),
    maxBytes: PARTITION_BYTES,
  }));
  return { maxBytes: 1_000_000, topics: [{ topic: 'points', partitions }] };
}

const positionsOf = ({ topics }: FetchRequest) =>
  Object.fromEntries(
    topics[0]!.partitions.map(({ partition, fetchOffset }) => [partition, Number(fetchOffset)]),
  );

/** A batch of ten records, which has `sizeBytes` of values. */
function batchAt(offset: number, sizeBytes: number): Buffer {
  const entries = Array.from({ length: 10 }, () => ({ key: null, value: Buffer.alloc(sizeBytes / 10) }));
  return makeRecordBatch(entries, 0n, { baseOffset: BigInt(offset) });
}

function responseOf(bytesOf: Readonly<Record<number, Buffer>>): FetchResponse {
  const partitions = Object.entries(bytesOf).map(([partition, bytes]) => ({
    partition: Number(partition),
    messages: bytes.length === 0 ? [] : [{ fetched: { bytes, aborted: [] } }],
  }));
  return { responses: [{ topicName: 'points', partitions }] };
}

/** A broker that responds to each request with one batch of `sizeBytes` per partition. */
function brokerWith(sizeBytes: number) {
  const asked: Record<string, number>[] = [];
  const send = async (request: FetchRequest): Promise<FetchResponse> => {
    const positions = positionsOf(request);
    asked.push(positions);
    const batches = Object.entries(positions).map(([at, offset]) => [at, batchAt(offset, sizeBytes)]);
    return responseOf(Object.fromEntries(batches) as Record<number, Buffer>);
  };
  return { asked, send };
}

describe(ReadAhead, () => {
  it('requests the next records before they are fetched', async () => {
    const { asked, send } = brokerWith(PARTITION_BYTES);
    const ahead = new ReadAhead();
    await ahead.fetch(requestAt({ 0: 0, 1: 50 }), send);
    expect(asked).toEqual([
      { 0: 0, 1: 50 },
      { 0: 10, 1: 60 },
    ]);
    const next = await ahead.fetch(requestAt({ 1: 60, 0: 10 }), send);
    expect(next).toEqual(responseOf({ 0: batchAt(10, PARTITION_BYTES), 1: batchAt(60, PARTITION_BYTES) }));
    expect(asked.slice(2)).toEqual([{ 0: 20, 1: 70 }]);
  });

  it('requests nothing ahead if a response has less than half of the bytes that it may have', async () => {
    const { asked, send } = brokerWith(PARTITION_BYTES / 4);
    await new ReadAhead().fetch(requestAt({ 0: 0 }), send);
    expect(asked).toEqual([{ 0: 0 }]);
  });

  it('requests other positions again', async () => {
    const { asked, send } = brokerWith(PARTITION_BYTES);
    const ahead = new ReadAhead();
    await ahead.fetch(requestAt({ 0: 0, 1: 0 }), send);
    const next = await ahead.fetch(requestAt({ 0: 10 }), send);
    expect(next).toEqual(responseOf({ 0: batchAt(10, PARTITION_BYTES) }));
    expect(asked.slice(1)).toEqual([{ 0: 10, 1: 10 }, { 0: 10 }, { 0: 20 }]);
  });

  it('requests nothing ahead if a batch did not fit', async () => {
    const asked: FetchRequest[] = [];
    const cut = async (request: FetchRequest) => {
      asked.push(request);
      return responseOf({
        0: batchAt(0, PARTITION_BYTES),
        1: batchAt(0, PARTITION_BYTES * 2).subarray(0, PARTITION_BYTES),
      });
    };
    await new ReadAhead().fetch(requestAt({ 0: 0, 1: 0 }), cut);
    expect(asked).toHaveLength(1);
  });

  it('fails with the error of a request ahead if its response is fetched, and not otherwise', async () => {
    const { send } = brokerWith(PARTITION_BYTES);
    let requests = 0;
    const failing = async (request: FetchRequest) => {
      requests += 1;
      if (requests % 2 === 0) throw new Error('connection closed');
      return send(request);
    };
    const ahead = new ReadAhead();
    await ahead.fetch(requestAt({ 0: 0 }), failing);
    await expect(ahead.fetch(requestAt({ 0: 10 }), failing)).rejects.toThrow('connection closed');
    await ahead.fetch(requestAt({ 0: 10 }), failing);
    await expect(ahead.fetch(requestAt({ 0: 50 }), failing)).resolves.toBeDefined();
  });
});
