import {
  LogError,
  partitionName,
  type Admin,
  type ConsumerGap,
  type RangeReader,
  type RecordBatch,
  type TopicPartition,
  type UndecodableBatch,
} from '@hailstream/log';
import type { LogPartition, Positions } from '../positions/log-partition.js';
import { positionOf } from '../positions/log-partition.js';
import type { LeasedPartition, PositionLeases } from '../positions/position-leases.postgres.js';
import type { LogPositions } from '../positions/positions.postgres.js';
import type { Tables } from '../rows/tables.js';
import type { ChunkQueue } from './chunk-queue.js';
import { LoadError, unexplainedGap } from './load.errors.js';
import type { LogCheck } from './log-check.js';

/** Errors of the log which mean that it is not the one that the load began with. */
const LOG_CHANGED: ReadonlySet<string> = new Set(['TOPIC_RECREATED', 'LOG_TRUNCATED']);

interface LeasedReadsOptions {
  readonly reader: RangeReader;
  readonly admin: Admin;
  readonly leases: PositionLeases;
  readonly positions: LogPositions;
  readonly tables: Tables;
  readonly partitions: readonly LogPartition[];
  readonly checks: ReadonlyMap<string, LogCheck>;
  readonly queue: ChunkQueue;
  /** Partitions that are read concurrently. Partitions with less than a chunk are read together and count as one. */
  readonly maxReads: number;
  /** Records of one partition that are loaded in one transaction. */
  readonly chunkRecords: number;
  /** Bytes of one partition that are fetched at once. */
  readonly chunkBytes: number;
  readonly onGap: (gap: ConsumerGap) => void;
  readonly onUndecodable: (batch: UndecodableBatch) => void;
  /** Called with the error of a read. A read that failed with a retryable LogError is repeated by {@link LeasedReads.start}. */
  readonly onFailure: (error: Error) => void;
}

/** Offsets that were read, with their records. */
type PassedRecords = Pick<RecordBatch, 'topic' | 'partition' | 'records' | 'nextOffset'> & {
  /** A batch that cannot be decoded, instead of records. */
  readonly undecodable?: UndecodableBatch;
};

/** Reads the partitions that this process has leased, each from its position to its target, into the queue of chunks. */
export class LeasedReads implements AsyncDisposable {
  private readonly planned: ReadonlyMap<string, LogPartition>;
  /** First offset of the next chunk of each leased partition. */
  private readonly nextOffsets = new Map<string, bigint>();
  /** End of the offsets before the next chunk that the log has deleted, by partition. */
  private readonly deletedTo = new Map<string, bigint>();
  private readonly reading = new Set<string>();
  private readonly reads = new Set<Promise<void>>();
  private readonly stopped = new AbortController();

  constructor(private readonly options: LeasedReadsOptions) {
    this.planned = new Map(
      options.partitions.map((each) => [partitionName(each.topic, each.partition), each]),
    );
  }

  /** Leases partitions that are not complete, as far as the limits allow, and starts to read them. */
  async start(positions: Positions): Promise<void> {
    const { partitions, maxReads, chunkRecords, leases } = this.options;
    const waiting = partitions.filter(
      (each) => !this.reading.has(nameOf(each)) && positionOf(each, positions) < each.target,
    );
    const isSmall = (each: LogPartition): boolean =>
      each.target - positionOf(each, positions) < BigInt(chunkRecords);
    const large = waiting.filter((each) => !isSmall(each));
    for (const leased of await leases.acquire(large, maxReads - this.reads.size)) this.read([leased]);
    if (this.reads.size >= maxReads) return;
    const small = await leases.acquire(waiting.filter(isSmall), waiting.length);
    if (small.length > 0) this.read(small);
  }

  /** Stops reading. The queue must have been disposed of, because reads wait for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.stopped.abort();
    await Promise.all(this.reads);
  }

  private read(leased: readonly LeasedPartition[]): void {
    const names = leased.map(nameOf);
    for (const name of names) this.reading.add(name);
    const read: Promise<void> = this.readLeased(leased)
      .catch((error: unknown) => this.failed(leased, error))
      .finally(() => {
        for (const name of names) this.reading.delete(name);
        this.reads.delete(read);
      });
    this.reads.add(read);
  }

  private async readLeased(leased: readonly LeasedPartition[]): Promise<void> {
    const { reader, chunkRecords, chunkBytes, checks, onGap, onUndecodable } = this.options;
    for (const each of leased) this.nextOffsets.set(nameOf(each), each.nextOffset);
    const read = await reader.readRange({
      ranges: leased.map((each) => {
        const { identity, target } = this.planned.get(nameOf(each))!;
        const check = checks.get(nameOf(each));
        const from = check?.appliesTo(each.nextOffset) ? check.from : each.nextOffset;
        return { topic: each.topic, partition: each.partition, topicId: identity.topicId, from, to: target };
      }),
      signal: this.stopped.signal,
      maxBatchRecords: chunkRecords,
      maxPartitionBytes: chunkBytes,
      onGap: (gap) => {
        onGap(gap);
        return this.passGap(gap);
      },
      onUndecodable: (batch) => {
        onUndecodable(batch);
        const { topic, partition, lastOffset } = batch;
        return this.pass({ topic, partition, nextOffset: lastOffset + 1n, records: [], undecodable: batch });
      },
    });
    for await (const batch of read) await this.pass(batch);
  }

  /** Passes records on to the queue. Those before the position are only compared with what was loaded. */
  private async pass(batch: PassedRecords): Promise<void> {
    const { topic, partition, nextOffset } = batch;
    const name = partitionName(topic, partition);
    const from = this.nextOffsets.get(name)!;
    await this.compareBefore(name, batch, from);
    if (nextOffset <= from) return;
    await this.options.queue.push({
      topic,
      partition,
      identity: this.planned.get(name)!.identity,
      table: this.options.tables.get(topic)!,
      records: recordsFrom(batch.records, from),
      undecodable: batch.undecodable,
      from,
      deletedTo: this.deletedTo.get(name) ?? from,
      nextOffset,
    });
    this.nextOffsets.set(name, nextOffset);
    this.deletedTo.delete(name);
  }

  /** Compares the records before the position with those that were loaded. */
  private async compareBefore(
    name: string,
    { records, nextOffset }: PassedRecords,
    from: bigint,
  ): Promise<void> {
    const check = this.options.checks.get(name);
    if (!check?.appliesTo(from)) return;
    await check.compare(records.filter(({ offset }) => offset < from));
    if (nextOffset > from) await check.finish();
  }

  private async passGap(gap: ConsumerGap): Promise<void> {
    if (gap.cause === 'unexplained') throw unexplainedGap(gap);
    const { topic, partition, found } = gap;
    const name = partitionName(topic, partition);
    const from = this.nextOffsets.get(name)!;
    if (found <= from) return;
    // Committed with the records that follow, in one transaction.
    this.deletedTo.set(name, found);
    if (found >= this.planned.get(name)!.target) {
      await this.pass({ topic, partition, records: [], nextOffset: found });
    }
  }

  private async failed(leased: readonly TopicPartition[], error: unknown): Promise<void> {
    const { onFailure } = this.options;
    if (this.stopped.signal.aborted) return;
    if (error instanceof LogError && LOG_CHANGED.has(error.code)) {
      await this.refuseBeyondEnd(leased).catch(onFailure);
      onFailure(new LoadError('LOG_CHANGED', error.message, { cause: error }));
    } else onFailure(error as Error);
  }

  /** Stores that positions are beyond the end of the log: the log may grow over them before the next load. */
  private async refuseBeyondEnd(leased: readonly TopicPartition[]): Promise<void> {
    const { admin, positions } = this.options;
    for (const { topic, partition } of leased) {
      const nextOffset = this.nextOffsets.get(partitionName(topic, partition))!;
      const latest = (await admin.offsets(topic)).get(partition)?.latest ?? 0n;
      if (latest < nextOffset) await positions.refuse({ topic, partition, nextOffset }, 'beyond-log-end');
    }
  }
}

/** The records are in the order of their offsets: usually all of them are returned. */
function recordsFrom(records: PassedRecords['records'], from: bigint): PassedRecords['records'] {
  const [first] = records;
  return first === undefined || first.offset >= from
    ? records
    : records.filter(({ offset }) => offset >= from);
}

function nameOf({ topic, partition }: TopicPartition): string {
  return partitionName(topic, partition);
}
