import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../protocol/error-codes.js';
import type { FetchedPartitionResponse } from '../../protocol/fetch.js';
import { batchSizeBytes } from '../../protocol/record-batch.js';
import { makeRecordBatch } from '../../protocol/records.js';
import type { TopicCompaction } from '../consumer/topic-compaction.js';
import { LogError } from '../core/errors.js';
import type { FetchAnswer, FetchQuestion, RangeCluster } from './range-cluster.js';
import { FetchingRangeRead } from './range-read.js';
import type { RangeBatch, RangeRequest } from './range.js';

const TOPIC = 'rides';
const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAA';
const logger = pino({ level: 'silent' });

/** Partitions as a list of batches each, and brokers that return them as Kafka does. */
class FakeCluster implements Pick<RangeCluster, 'fetch' | 'describe' | 'listOffsets'> {
  leader = 1;
  topicId = TOPIC_ID;
  isById = true;
  isCompacted = false;
  /** How often the configuration of the topic cannot be read. */
  outages = 0;
  readonly questions: { readonly nodeId: number; readonly partitions: readonly number[] }[] = [];
  descriptions = 0;
  /** Failures of the next fetches. */
  readonly failures: ((partition: number) => number | LogError)[] = [];
  /** Batches by partition. */
  readonly logs: Buffer[][];

  constructor(logs: readonly (readonly Buffer[])[]) {
    this.logs = logs.map((log) => [...log]);
  }

  async fetch(nodeId: number, { partitions, maxBytes }: FetchQuestion): Promise<FetchAnswer> {
    this.questions.push({ nodeId, partitions: partitions.map(({ partition }) => partition) });
    const failure = this.failures.shift();
    let left = maxBytes;
    let isFirst = true;
    return {
      isById: this.isById,
      partitions: partitions.map((wanted) => {
        const failed = failure?.(wanted.partition) ?? ErrorCode.NONE;
        if (failed instanceof LogError) throw failed;
        if (failed !== ErrorCode.NONE) return this.response(wanted.partition, null, failed);
        if (nodeId !== this.leader) {
          return this.response(wanted.partition, null, ErrorCode.NOT_LEADER_OR_FOLLOWER);
        }
        const bytes = this.take(wanted, Math.min(left, wanted.maxBytes), isFirst);
        if (bytes.length > 0) isFirst = false;
        left = Math.max(0, left - bytes.length);
        return this.response(wanted.partition, bytes);
      }),
    };
  }

  async describe(): ReturnType<RangeCluster['describe']> {
    this.descriptions += 1;
    const leaders = new Map(this.logs.map((_, partition) => [partition, this.leader]));
    return new Map([[TOPIC, { topicId: this.topicId, leaders }]]);
  }

  async listOffsets(
    _nodeId: number,
    { bounds }: Parameters<RangeCluster['listOffsets']>[1],
  ): ReturnType<RangeCluster['listOffsets']> {
    return new Map(
      [...bounds].map(([partition, bound]) => [partition, bound === 'earliest' ? 0n : this.end(partition)]),
    );
  }

  /** Creates a read with its dependencies. */
  read(
    request: Partial<RangeRequest> & { readonly from?: bigint; readonly to?: bigint } = {},
    stallTimeoutMs = 5_000,
  ): FetchingRangeRead {
    const { from = 0n, to, ...options } = request;
    const compaction = {
      of: () => ({ known: undefined, ask: () => this.askCompaction() }),
    } as unknown as TopicCompaction;
    return new FetchingRangeRead({
      request: { ranges: [], ...options },
      ranges: this.logs.map((_, partition) => ({
        topic: TOPIC,
        partition,
        topicId: TOPIC_ID,
        leader: 1,
        from,
        to: to ?? this.end(partition),
      })),
      cluster: this as unknown as RangeCluster,
      compaction,
      logger,
      stallTimeoutMs,
    });
  }

  private async askCompaction(): Promise<boolean> {
    this.outages -= 1;
    if (this.outages >= 0) throw new LogError('UNAVAILABLE', 'connection refused', true);
    return this.isCompacted;
  }

  private take(
    { partition, offset }: { readonly partition: number; readonly offset: bigint },
    maxBytes: number,
    isFirst: boolean,
  ): Buffer {
    const rest = Buffer.concat(this.logs[partition]!.filter((batch) => endOf(batch) > offset));
    if (rest.length === 0) return rest;
    const least = isFirst ? batchSizeBytes(rest) : 0;
    return rest.subarray(0, Math.max(least, maxBytes));
  }

  private end(partition: number): bigint {
    const last = this.logs[partition]!.at(-1);
    return last ? endOf(last) : 0n;
  }

  private response(partition: number, records: Buffer | null, errorCode = 0): FetchedPartitionResponse {
    const highWatermark = this.end(partition);
    return {
      partition,
      errorCode,
      highWatermark,
      lastStableOffset: highWatermark,
      logStartOffset: 0n,
      abortedTransactions: null,
      preferredReadReplica: -1,
      records: records && [records],
    };
  }
}

/** Batches of `size` records with their offsets as values. */
function batches(count: number, { first = 0, size = 1, bytes = 1 } = {}): Buffer[] {
  return Array.from({ length: count }, (_, index) => {
    const base = first + index * size;
    const records = Array.from({ length: size }, (_r, n) => ({
      key: null,
      value: Buffer.from(`${base + n}`.padStart(bytes, ' ')),
    }));
    const batch = makeRecordBatch(records, 1n);
    batch.writeBigInt64BE(BigInt(base), 0);
    return batch;
  });
}

function endOf(batch: Buffer): bigint {
  return batch.readBigInt64BE(0) + BigInt(batch.readInt32BE(23)) + 1n;
}

async function offsets(read: AsyncIterable<RangeBatch>, partition = 0): Promise<number[]> {
  const found: number[] = [];
  for await (const batch of read) {
    if (batch.partition === partition) found.push(...batch.records.map(({ value }) => Number(value)));
  }
  return found;
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe(FetchingRangeRead, () => {
  it('follows a leader that moves', async () => {
    const cluster = new FakeCluster([batches(20, { bytes: 100 })]);
    const read = cluster.read({ maxPartitionBytes: 500 });
    const found: number[] = [];
    for await (const { records } of read) {
      found.push(...records.map(({ value }) => Number(value)));
      cluster.leader = found.length > 8 ? 2 : 1;
    }
    expect(found).toEqual(upTo(20));
    expect(new Set(cluster.questions.map(({ nodeId }) => nodeId))).toEqual(new Set([1, 2]));
  });

  it('retries one partition that fails while the others are read', async () => {
    const cluster = new FakeCluster([batches(10), batches(10)]);
    for (let times = 0; times < 3; times += 1) {
      cluster.failures.push((partition) =>
        partition === 0 ? ErrorCode.KAFKA_STORAGE_ERROR : ErrorCode.NONE,
      );
    }
    const order: number[] = [];
    for await (const { partition } of cluster.read()) order.push(partition);
    expect(order).toEqual([1, 0]);
  });

  it('fails at once with an error that no retry changes', async () => {
    const cluster = new FakeCluster([batches(1)]);
    cluster.failures.push(() => ErrorCode.TOPIC_AUTHORIZATION_FAILED);
    await expect(offsets(cluster.read())).rejects.toMatchObject({
      code: 'REFUSED',
      message: expect.stringMatching(/TOPIC_AUTHORIZATION_FAILED/),
    });
    expect(cluster.questions).toHaveLength(1);
  });

  it('fails with the last error after stallTimeoutMs', async () => {
    const cluster = new FakeCluster([batches(1)]);
    const down = new LogError('UNAVAILABLE', 'connection refused', true);
    cluster.failures.push(...Array.from({ length: 50 }, () => () => down));
    await expect(offsets(cluster.read({}, 100))).rejects.toBe(down);
  });

  it('returns no records of a recreated topic if it is read by its id', async () => {
    const cluster = new FakeCluster([batches(10)]);
    cluster.failures.push(() => ErrorCode.UNKNOWN_TOPIC_ID);
    cluster.topicId = 'BBBBBBBBBBBBBBBBBBBBBA';
    await expect(offsets(cluster.read())).rejects.toMatchObject({ code: 'TOPIC_RECREATED' });
  });

  it('checks at the end that a topic read by its name was not recreated', async () => {
    const cluster = new FakeCluster([batches(10)]);
    cluster.isById = false;
    expect(await offsets(cluster.read())).toEqual(upTo(10));
    expect(cluster.descriptions).toBe(1);
    cluster.topicId = 'BBBBBBBBBBBBBBBBBBBBBA';
    await expect(offsets(cluster.read())).rejects.toMatchObject({ code: 'TOPIC_RECREATED' });
  });

  it('reads a batch that was truncated, and one after a partition that fills every response', async () => {
    const big = batches(1, { bytes: 5_000 });
    const cluster = new FakeCluster([batches(200, { bytes: 100 }), big]);
    const seen: number[] = [];
    for await (const { partition } of cluster.read({ maxPartitionBytes: 1_000, maxBufferedBytes: 2_000 })) {
      seen.push(partition);
    }
    expect(seen.indexOf(1)).toBeGreaterThanOrEqual(0);
    expect(seen.indexOf(1)).toBeLessThan(5);
  });

  it('fetches only one set ahead of the loop', async () => {
    const cluster = new FakeCluster([batches(20, { bytes: 100 })]);
    const read = cluster.read({ maxPartitionBytes: 500 })[Symbol.asyncIterator]();
    await read.next();
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    expect(cluster.questions).toHaveLength(2);
    await read.return?.();
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    expect(cluster.questions).toHaveLength(2);
  });

  it('fetches nothing after the loop ends in the middle of a set', async () => {
    const cluster = new FakeCluster([batches(20, { bytes: 100 })]);
    const request = { maxPartitionBytes: 500, maxBatchRecords: 1 };
    const read = cluster.read(request)[Symbol.asyncIterator]();
    await read.next();
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    await read.return?.();
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    expect(cluster.questions).toHaveLength(2);
  });

  it('requests no more bytes than the buffer has room for', async () => {
    const cluster = new FakeCluster(upTo(10).map(() => batches(20, { bytes: 100 })));
    const read = cluster.read({ maxPartitionBytes: 500, maxBufferedBytes: 2_000 })[Symbol.asyncIterator]();
    await read.next();
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    const asked = cluster.questions.reduce((sum, { partitions }) => sum + partitions.length, 0);
    expect(asked).toBeLessThanOrEqual(4);
    let count = 0;
    for (let next = await read.next(); !next.done; next = await read.next()) count += 1;
    expect(count).toBeGreaterThan(10);
  });

  it('reports offsets that the broker omits, unless the topic is compacted', async () => {
    const cluster = new FakeCluster([[...batches(3), ...batches(3, { first: 7 })]]);
    await expect(offsets(cluster.read())).rejects.toMatchObject({
      code: 'OFFSETS_MISSING',
      message: expect.stringMatching(/^offsets 3 to 6 .* were left out by the broker/),
    });
    const found: unknown[] = [];
    expect(await offsets(cluster.read({ onGap: (gap) => void found.push(gap) }))).toEqual([0, 1, 2, 7, 8, 9]);
    expect(found).toEqual([{ topic: TOPIC, partition: 0, expected: 3n, found: 7n, cause: 'unexplained' }]);
    cluster.isCompacted = true;
    expect(await offsets(cluster.read())).toEqual([0, 1, 2, 7, 8, 9]);
    const bounds: bigint[] = [];
    for await (const { from, nextOffset } of cluster.read()) bounds.push(from, nextOffset);
    expect(bounds).toEqual([0n, 3n, 3n, 10n]);
  });

  it('requests the compaction of the topic again if the cluster does not respond', async () => {
    const cluster = new FakeCluster([[...batches(3), ...batches(3, { first: 7 })]]);
    cluster.isCompacted = true;
    cluster.outages = 2;
    expect(await offsets(cluster.read())).toEqual([0, 1, 2, 7, 8, 9]);
  });

  it('fetches a damaged batch again, and reports it only if it stays damaged', async () => {
    const log = batches(3, { bytes: 20 });
    const cluster = new FakeCluster([log]);
    const damaged = Buffer.from(log[1]!);
    damaged.writeUInt8(damaged.at(-1)! ^ 1, damaged.length - 1);
    cluster.logs[0]![1] = damaged;
    const reported: { readonly baseOffset: bigint }[] = [];
    const read = cluster.read({ onUndecodable: (batch) => void reported.push(batch) });
    expect(await offsets(read)).toEqual([0, 2]);
    expect(reported).toMatchObject([{ baseOffset: 1n, lastOffset: 1n, reason: { code: 'DAMAGED' } }]);
    const fetches = cluster.questions.length;
    expect(fetches).toBeGreaterThanOrEqual(3);
    const healing = cluster.read();
    const found: number[] = [];
    for await (const { records } of healing) {
      found.push(...records.map(({ value }) => Number(value)));
      cluster.logs[0]![1] = log[1]!;
    }
    expect(found).toEqual([0, 1, 2]);
  });
});
