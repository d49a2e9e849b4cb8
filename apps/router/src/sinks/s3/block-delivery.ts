import { isDeepStrictEqual } from 'node:util';
import type {
  Admin,
  BatchConsumer,
  ConsumerPosition,
  DeadLetter,
  DeadLetterQueue,
  LogRecord,
  RangeReader,
  TopicIdentity,
  TopicPartition,
} from '@hailstream/log';
import { backoffMs, withJitter } from '@hailstream/service/backoff';
import type { Logger } from '@hailstream/service/logging';
import { sleep } from '@hailstream/service/timers';
import type { Event } from '../../router-file/filter.js';
import type { DeliveryObserver } from '../delivery.js';
import { SinkError } from '../sink.errors.js';
import type { BlockLimits } from './block-boundary.js';
import { BlockStore } from './block-store.js';
import { BlockRecords, type EncodedObject } from './block-records.js';
import type { ObjectFormat } from './formats/object-format.js';
import { blockManifestKey } from './layout.js';
import type { BlockManifest } from './manifests.js';
import { readBlock, type BlockContent } from './read-block.js';

/** How often the ends of the partitions are looked up. */
const POLL_MS = 1_000;
/** How often a worker looks for a partition that is due. */
const IDLE_MS = 50;
/** How long after the end of its interval an incomplete block stays open for records with an older timestamp. */
const GRACE_MS = 60_000;
const RETRY_BACKOFF = { firstMs: 500, maxMs: 30_000 };

interface BlockDeliveryOptions {
  readonly groupId: string;
  readonly prefix: string;
  readonly limits: BlockLimits;
  /** The file format of a topic's objects. */
  readonly formatOf: (topic: string) => ObjectFormat;
  /** Blocks in memory at the same time. */
  readonly concurrency: number;
  readonly consumer: BatchConsumer;
  readonly reader: RangeReader;
  readonly admin: Admin;
  readonly deadLetters: DeadLetterQueue;
  readonly store: BlockStore;
  readonly logger: Logger;
  readonly observer: DeliveryObserver;
  /** The time that assigns a record to an hour, in milliseconds. @throws Error if it has none */
  timeOf(topic: string, event: Event, record: LogRecord): number;
  matches(event: Event): boolean;
  /** Whether an event of a topic is about an erased rider or device, and is not stored. */
  isErased(topic: string, event: Event): boolean;
  /** Offsets up to which to deliver. @default no end; the last block stays open until its interval ends */
  readonly until?: (partition: TopicPartition) => bigint | undefined;
}

/** A partition that is assigned to this process. */
interface AssignedPartition extends TopicPartition {
  /** Start of the next block. */
  from: bigint;
  /** Time until which the next block is known to be incomplete, in milliseconds. */
  openUntilMs: number;
  /** Whether an earlier attempt, or another process, may have claimed the next block. */
  mayBeClaimed: boolean;
  isBusy: boolean;
  failures: number;
  retryAtMs: number;
}

/** One assignment, from a rebalance until the next. */
interface Assignment {
  readonly partitions: readonly AssignedPartition[];
  readonly stop: AbortController;
  done: Promise<unknown>;
}

/**
 * Delivers assigned partitions in blocks. The consumer group assigns partitions and stores positions; its consumer is
 * paused, and each block is read from the log once it is complete. So only the blocks that are being written are in memory.
 */
export class BlockDelivery {
  private readonly ends = new Map<string, ReadonlyMap<number, bigint>>();
  private readonly identities = new Map<string, TopicIdentity>();
  private assignment: Assignment | undefined;
  private isPaused = false;

  constructor(private readonly options: BlockDeliveryOptions) {
    const { consumer } = options;
    consumer.onAssignment((assigned) => {
      consumer.pause(assigned);
      this.assignment?.stop.abort();
    });
    consumer.onPositioned((positions) => this.restart(positions));
  }

  /** Waits for the requests in progress. */
  async stop(): Promise<void> {
    this.assignment?.stop.abort();
    await this.assignment?.done;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  private restart(positions: readonly ConsumerPosition[]): void {
    const previous = this.assignment;
    // Another process may have the partitions that failed.
    for (const partition of previous?.partitions ?? []) {
      if (partition.failures > 0) this.options.observer.recovered(partition);
    }
    const state = { openUntilMs: 0, mayBeClaimed: true, isBusy: false, failures: 0, retryAtMs: 0 };
    const partitions = positions.map(({ topic, partition, nextOffset }) => ({
      topic,
      partition,
      from: nextOffset,
      ...state,
    }));
    const assignment: Assignment = { partitions, stop: new AbortController(), done: Promise.resolve() };
    assignment.done = this.run(assignment, previous?.done);
    this.assignment = assignment;
  }

  private async run(assignment: Assignment, previous: Promise<unknown> | undefined): Promise<void> {
    await previous;
    this.identities.clear();
    const workers = Array.from({ length: this.options.concurrency }, () => this.work(assignment));
    await Promise.all([this.pollEnds(assignment), ...workers]);
  }

  private async pollEnds({ partitions, stop: { signal } }: Assignment): Promise<void> {
    const topics = new Set(partitions.map(({ topic }) => topic));
    while (!signal.aborted) {
      for (const topic of topics) {
        try {
          const offsets = await this.options.admin.offsets(topic, { isolation: 'read_committed' });
          this.ends.set(topic, new Map([...offsets].map(([partition, { latest }]) => [partition, latest])));
        } catch (error) {
          this.options.logger.debug({ err: error, topic }, 'lookup of partition ends failed, will retry');
        }
      }
      await sleep(POLL_MS, signal);
    }
  }

  /** Delivers blocks of due partitions, one after another. */
  private async work({ partitions, stop: { signal } }: Assignment): Promise<void> {
    for (let next = 0; !signal.aborted;) {
      const nowMs = Date.now();
      const due = partitions.findIndex((_, index) =>
        this.isDue(partitions[(next + index) % partitions.length]!, nowMs),
      );
      if (due === -1) {
        await sleep(IDLE_MS, signal);
        continue;
      }
      const partition = partitions[(next + due) % partitions.length]!;
      next = (next + due + 1) % partitions.length;
      partition.isBusy = true;
      await this.attempt(partition, signal);
      partition.isBusy = false;
    }
  }

  private async attempt(partition: AssignedPartition, signal: AbortSignal): Promise<void> {
    const { observer } = this.options;
    try {
      const step = await this.deliverBlock(partition, this.endOf(partition) ?? partition.from, signal);
      partition.openUntilMs = step.kind === 'open' ? step.intervalEndMs + GRACE_MS : 0;
      if (step.kind === 'delivered') {
        partition.from = step.to;
        partition.mayBeClaimed = false;
      }
      if (partition.failures > 0) observer.recovered(partition);
      partition.failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      const waitMs = withJitter(backoffMs(partition.failures, RETRY_BACKOFF));
      partition.failures += 1;
      partition.retryAtMs = Date.now() + waitMs;
      partition.mayBeClaimed = true;
      this.identities.delete(partition.topic);
      observer.failed(partition, error as Error);
    }
  }

  /** Whether to read the next block of a partition: it may be complete. */
  private isDue(partition: AssignedPartition, nowMs: number): boolean {
    const { from, isBusy, openUntilMs, retryAtMs } = partition;
    if (isBusy || this.isPaused || nowMs < retryAtMs) return false;
    const end = this.endOf(partition);
    if (end === undefined || end <= from) return false;
    const records = BigInt(this.options.limits.records);
    return nowMs >= openUntilMs || end >= (from / records + 1n) * records;
  }

  /** End offset to which a partition is read. */
  private endOf({ topic, partition }: TopicPartition): bigint | undefined {
    const end = this.ends.get(topic)?.get(partition);
    const until = this.options.until?.({ topic, partition });
    return until !== undefined && end !== undefined && end > until ? until : end;
  }

  /** Identity of a topic. @throws SinkError `ANOTHER_LOG` if the bucket has records of another one */
  private async identityOf(topic: string): Promise<TopicIdentity> {
    const known = this.identities.get(topic);
    if (known) return known;
    const identity = (await this.options.admin.identities([topic])).get(topic);
    if (identity === undefined) {
      throw new SinkError('UNAVAILABLE', `topic "${topic}" does not exist`, { retryable: true });
    }
    await this.options.store.requireLog(topic, identity);
    this.identities.set(topic, identity);
    return identity;
  }

  /** Delivers the next block of a partition, unless more records may still belong to it. */
  private async deliverBlock(
    { topic, partition, from, mayBeClaimed, openUntilMs }: AssignedPartition,
    end: bigint,
    signal: AbortSignal,
  ): Promise<{ kind: 'delivered'; to: bigint } | { kind: 'open'; intervalEndMs: number }> {
    const { prefix, store, consumer, observer } = this.options;
    const identity = await this.identityOf(topic);
    const stored = mayBeClaimed ? await store.find({ topic, partition, from }) : undefined;
    if (stored?.rewrites !== undefined) return this.skipRewritten(stored);
    let { content, records } = await this.read({ topic, partition }, from, { end, signal, identity, stored });
    if (!stored && !content.isComplete && !this.closes({ topic, partition, openUntilMs }, content, end)) {
      return { kind: 'open', intervalEndMs: content.intervalEndMs ?? Date.now() };
    }
    signal.throwIfAborted();
    let objects = await records.encode(prefix, { topic, partition, from, to: content.to });
    const proposed = manifestOf({ topic, partition, from }, content, { objects, records }, identity);
    const block = stored ?? (await store.claim(proposed));
    if (block.rewrites !== undefined) return this.skipRewritten(block);
    if (block.to !== proposed.to || !isDeepStrictEqual(block.erased, proposed.erased)) {
      ({ content, records } = await this.read({ topic, partition }, from, {
        end,
        signal,
        identity,
        stored: block,
      }));
      objects = await records.encode(prefix, { topic, partition, from, to: content.to });
    }
    requireClaimedObjects(prefix, block, objects);
    await store.write(block, objects);
    await this.deadLetter({ topic, partition }, content, signal);
    for (const gap of content.gaps) observer.gap(gap);
    await consumer.commit({ topic, partition, nextOffset: content.to });
    observer.delivered(
      { topic, partition },
      {
        records: content.read + content.undecodable.length,
        delivered: content.selected - records.erasedOffsets.length,
        filtered: content.filtered + records.erasedOffsets.length,
        deadLettered: deadLetterCount(content),
      },
    );
    return { kind: 'delivered', to: content.to };
  }

  /** A block was delivered before records of it were erased: the log may still have them. */
  private async skipRewritten(
    block: BlockManifest,
  ): Promise<{ readonly kind: 'delivered'; readonly to: bigint }> {
    const { topic, partition, read, deadLettered } = block;
    const to = BigInt(block.to);
    const delivered = block.objects.reduce((sum, { records }) => sum + records, 0);
    await this.options.consumer.commit({ topic, partition, nextOffset: to });
    const filtered = Math.max(0, read - delivered - deadLettered);
    const records = delivered + filtered + deadLettered;
    this.options.observer.delivered({ topic, partition }, { records, delivered, filtered, deadLettered });
    return { kind: 'delivered', to };
  }

  /** Whether to close an incomplete block at the end of the log, because no more records are expected. */
  private closes(
    { openUntilMs, ...partition }: TopicPartition & Pick<AssignedPartition, 'openUntilMs'>,
    { intervalEndMs }: BlockContent,
    end: bigint,
  ): boolean {
    if (this.options.until?.(partition) === end) return true;
    // Without records the block has no interval: it is closed once it has been open for the grace period.
    return intervalEndMs === undefined ? openUntilMs > 0 : Date.now() >= intervalEndMs + GRACE_MS;
  }

  private async read(
    { topic, partition }: TopicPartition,
    from: bigint,
    options: {
      readonly end: bigint;
      readonly signal: AbortSignal;
      readonly identity: TopicIdentity;
      readonly stored: BlockManifest | undefined;
    },
  ): Promise<{ content: BlockContent; records: BlockRecords }> {
    const { reader, groupId, limits, timeOf, matches, formatOf, isErased } = this.options;
    const { end, signal, identity, stored } = options;
    const records = new BlockRecords(formatOf(topic), partition);
    // What a claimed block lacks was decided when it was claimed.
    const erased = stored && new Set(stored.erased);
    const content = await readBlock({
      reader,
      groupId,
      topic,
      topicId: identity.topicId,
      partition,
      from,
      end,
      limits,
      ...(stored && { to: BigInt(stored.to) }),
      timeOf: (event, record) => timeOf(topic, event, record),
      matches,
      onRecord: (record, event) =>
        records.push(record, event, erased?.has(String(record.offset)) ?? isErased(topic, event)),
      signal,
    });
    return { content, records };
  }

  private async deadLetter(
    partition: TopicPartition,
    { unreadable, undecodable }: BlockContent,
    signal: AbortSignal,
  ): Promise<void> {
    const { deadLetters, groupId } = this.options;
    const records = unreadable.map(({ record, reason }): DeadLetter => {
      return { kind: 'record', ...partition, record, reason, groupId, attempts: 1 };
    });
    const batches = undecodable.map((batch): DeadLetter => ({ kind: 'batch', ...batch, groupId }));
    await deadLetters.write([...records, ...batches], { signal });
  }
}

/** A batch that cannot be decoded is one dead letter, however many records it has. */
function deadLetterCount({ unreadable, undecodable }: BlockContent): number {
  return unreadable.length + undecodable.length;
}

function manifestOf(
  { topic, partition, from }: TopicPartition & { readonly from: bigint },
  content: BlockContent,
  { objects, records }: { readonly objects: readonly EncodedObject[]; readonly records: BlockRecords },
  { clusterId, topicId }: TopicIdentity,
): BlockManifest {
  return {
    version: 1,
    clusterId,
    topicId,
    topic,
    partition,
    from: String(from),
    to: String(content.to),
    read: content.read,
    filtered: content.filtered,
    deadLettered: deadLetterCount(content),
    lostOffsets: Number(content.gaps.reduce((sum, { expected, found }) => sum + found - expected, 0n)),
    objects: objects.map(({ stored }) => stored),
    ...(records.erasedOffsets.length > 0 && { erased: records.erasedOffsets.map(String) }),
  };
}

/**
 * A block is claimed with its objects, so a process with other settings must not write others.
 *
 * @throws SinkError `CONFLICT` if the block was claimed with other objects
 */
function requireClaimedObjects(
  prefix: string,
  block: BlockManifest,
  objects: readonly EncodedObject[],
): void {
  if (
    isDeepStrictEqual(
      block.objects,
      objects.map(({ stored }) => stored),
    )
  )
    return;
  const { topic, partition } = block;
  const key = blockManifestKey(prefix, { topic, partition, from: BigInt(block.from) });
  const message =
    `the block ${key} was claimed by a router with another filter, format or partitionBy, or another version of Node: ` +
    'run that one until the block is delivered, or delete this object and the objects that it lists';
  throw new SinkError('CONFLICT', message, { retryable: false });
}
