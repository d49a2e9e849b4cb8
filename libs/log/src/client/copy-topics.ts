import { once } from 'node:events';
import type { Logger } from 'pino';
import type { Admin } from './admin/admin.js';
import { createAdmin } from './admin/kafka-admin.js';
import type { BatchConsumer, RecordBatch } from './consumer/consumer.js';
import { createBatchConsumer } from './consumer/group-consumer.js';
import { identitiesOf, requireCopies, requireSameTopics } from './copy-checks.js';
import { createProducer } from './producer/batching-producer.js';
import type { Producer } from './producer/producer.js';
import { headersOf } from './record/record.js';
import { type TopicPartition, partitionId } from './record/topic-partition.js';
import type { LogConnection } from './shared/connection.js';
import { LogError } from './shared/errors.js';

/** Copies run one at a time: members of one group would share the partitions, and each believe it had them all. */
const GROUP_ID = 'copy-topics';
/** Nothing copied for this long, and the copy fails. */
const NO_PROGRESS_MS = 120_000;

export interface CopyOptions {
  readonly from: LogConnection;
  readonly to: LogConnection;
  readonly topics: readonly string[];
  readonly logger: Logger;
  readonly signal?: AbortSignal;
  /** Called after each batch. */
  readonly onProgress?: (progress: CopyProgress) => void;
}

/** In records, over all partitions, of what the source held when the copy began. */
export interface CopyProgress {
  readonly done: number;
  readonly total: number;
}

/**
 * One partition, copied: records `source.from` up to before `source.to` are `target.from` up to before `target.to`. What
 * the source has behind these has no records: markers of transactions, and records of aborted ones.
 */
export interface CopiedPartition extends TopicPartition {
  readonly source: { readonly from: bigint; readonly to: bigint };
  readonly target: { readonly from: bigint; readonly to: bigint };
}

/**
 * Copies topics from one log to another: keys, values, headers, timestamps, partitions and order. Copied again, it goes on
 * where it was; nothing else may write to the topics, on either side, meanwhile.
 *
 * @throws LogError `TOPIC_MISMATCH` if the target's topic has another number of partitions or records that are not
 * copies, or if the source's topic was deleted and created again meanwhile; `REFUSED` if the source has gaps between
 * offsets, as compaction and transactions leave them, lost records meanwhile, or has a batch that cannot be decoded
 */
export async function copyTopics(options: CopyOptions): Promise<CopiedPartition[]> {
  const { from, to, topics, logger } = options;
  await using source = createAdmin({ connection: from, logger });
  await using target = createAdmin({ connection: to, logger });
  const plan = new Map<string, PartitionCopy>();
  const before = await identitiesOf(source, topics);
  for (const topic of topics) {
    for (const copy of await planTopic(topic, source, target)) plan.set(partitionId(copy), copy);
  }
  await requireCopies([...plan.values()], options);
  if ([...plan.values()].some(({ left }) => left > 0n)) await runCopy(plan, options);
  for (const copy of plan.values()) await verify(copy, target);
  requireSameTopics(before, await identitiesOf(source, topics));
  return [...plan.values()].map((copy) => copy.result());
}

class PartitionCopy implements TopicPartition {
  /** Source's offset of what is copied next. */
  next: bigint;
  private end: bigint;

  constructor(
    readonly topic: string,
    readonly partition: number,
    private readonly source: { readonly from: bigint; readonly to: bigint },
    readonly targetFrom: bigint,
    copied: bigint,
  ) {
    this.next = source.from + copied;
    this.end = source.to;
  }

  get left(): bigint {
    return this.end - this.next;
  }

  /** The last record there and what it is a copy of, if something was copied before. */
  get lastCopied(): { readonly here: bigint; readonly there: bigint } | undefined {
    return this.next > this.source.from ? { here: this.next - 1n, there: this.targetTo - 1n } : undefined;
  }

  /** There are no records up to this offset. If that is all that is left, nothing is. */
  passEmpty(nextOffset: bigint): void {
    if (nextOffset >= this.end) this.end = this.next;
  }

  get total(): bigint {
    return this.source.to - this.source.from;
  }

  /** Where the target ends once everything up to `next` is there. */
  get targetTo(): bigint {
    return this.targetFrom + this.next - this.source.from;
  }

  result(): CopiedPartition {
    const { topic, partition, source, targetFrom, targetTo, next } = this;
    return {
      topic,
      partition,
      source: { from: source.from, to: next },
      target: { from: targetFrom, to: targetTo },
    };
  }
}

async function planTopic(topic: string, source: Admin, target: Admin): Promise<PartitionCopy[]> {
  const held = await source.offsets(topic, { isolation: 'read_committed' });
  await target.ensureTopics([{ name: topic, partitions: held.size }]);
  const there = await target.offsets(topic);
  if (there.size !== held.size) {
    const message = `topic "${topic}" has ${held.size} partitions here and ${there.size} there: keys would move to others`;
    throw new LogError('TOPIC_MISMATCH', message, false);
  }
  return [...held].map(([partition, { earliest, latest }]) => {
    const end = there.get(partition) ?? { earliest: 0n, latest: 0n };
    const copied = end.latest - end.earliest;
    if (copied > latest - earliest) {
      const message = `partition ${partition} of topic "${topic}" has ${copied} records there and ${latest - earliest} here: they are not copies`;
      throw new LogError('TOPIC_MISMATCH', message, false);
    }
    return new PartitionCopy(topic, partition, { from: earliest, to: latest }, end.earliest, copied);
  });
}

async function runCopy(plan: ReadonlyMap<string, PartitionCopy>, options: CopyOptions): Promise<void> {
  const { to, logger, signal, onProgress } = options;
  const copies = [...plan.values()];
  const total = Number(copies.reduce((sum, each) => sum + each.total, 0n));
  const left = (): number => Number(copies.reduce((sum, each) => sum + each.left, 0n));
  await using producer = createProducer({ connection: to, logger });
  let finish!: () => void;
  let fail!: (reason: unknown) => void;
  const finished = new Promise<void>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });
  let movedAt = performance.now();
  const moved = (): void => {
    movedAt = performance.now();
    onProgress?.({ done: total - left(), total });
    if (left() === 0) finish();
  };
  // Nobody looks at it before the consumer has started.
  finished.catch(() => undefined);
  const consumer = createCopier(plan, options, { producer, moved, fail });
  await using _consumer = consumer;
  await Promise.race([consumer.start(), finished]);
  const stalled = new AbortController();
  const watch = setInterval(() => {
    if (performance.now() - movedAt > NO_PROGRESS_MS) stalled.abort();
  }, 1_000);
  try {
    const ends = [finished, consumer.ended, once(stalled.signal, 'abort')];
    if (signal) ends.push(once(signal, 'abort'));
    await Promise.race(ends);
  } finally {
    clearInterval(watch);
  }
  signal?.throwIfAborted();
  if (stalled.signal.aborted) {
    throw new LogError(
      'TIMED_OUT',
      `nothing was copied for ${NO_PROGRESS_MS / 1_000} s, ${left()} records to go`,
      true,
    );
  }
}

/** Reads the source, and writes what it reads to the target. */
function createCopier(
  plan: ReadonlyMap<string, PartitionCopy>,
  { from, topics, logger }: CopyOptions,
  { producer, moved, fail }: { producer: Producer; moved: () => void; fail: (reason: unknown) => void },
): BatchConsumer {
  const refuse = (message: string): never => {
    const error = new LogError('REFUSED', message, false);
    fail(error);
    throw error;
  };
  return createBatchConsumer({
    connection: from,
    logger,
    groupId: GROUP_ID,
    topics,
    offsets: {
      kind: 'handler-owned',
      position: (topic, partition) => Promise.resolve(plan.get(partitionId({ topic, partition }))?.next),
    },
    handler: async (batch) => {
      const copy = plan.get(partitionId(batch));
      if (!copy || copy.left === 0n) return;
      try {
        await copyBatch(batch, copy, producer);
      } catch (error) {
        // The same batch must not come again: whether the target has it, only a new look there tells.
        fail(error);
        throw error;
      }
      copy.passEmpty(batch.nextOffset);
      moved();
    },
    onPosition: (position) => {
      plan.get(partitionId(position))?.passEmpty(position.nextOffset);
      moved();
    },
    onGap: ({ topic, partition, expected, found }) =>
      refuse(
        `partition ${partition} of topic "${topic}" lost offsets while it was copied: it goes on with ${found} instead of ${expected}`,
      ),
    onUndecodable: async ({ topic, partition, baseOffset, lastOffset, reason }) =>
      refuse(
        `offsets ${baseOffset} to ${lastOffset} of partition ${partition} of topic "${topic}" cannot be decoded: ${reason.message}`,
      ),
  });
}

async function copyBatch(batch: RecordBatch, copy: PartitionCopy, producer: Producer): Promise<void> {
  const { topic, partition } = copy;
  const records = batch.records.filter(({ offset }) => offset >= copy.next && offset < copy.next + copy.left);
  records.forEach(({ offset }, index) => {
    if (offset === copy.next + BigInt(index)) return;
    const message = `partition ${partition} of topic "${topic}" has no record at offset ${copy.next + BigInt(index)}: offsets could not be kept`;
    throw new LogError('REFUSED', message, false);
  });
  const fates = await producer.send(
    records.map((record) => ({
      topic,
      partition,
      key: record.key,
      value: record.value,
      headers: headersOf(record),
      timestampMs: record.timestampMs,
    })),
  );
  for (const fate of fates) {
    if (fate.kind === 'failed') throw fate.error;
    if (fate.offset !== copy.targetTo) {
      const message = `partition ${partition} of topic "${topic}" there is written to by somebody else`;
      throw new LogError('TOPIC_MISMATCH', message, false);
    }
    copy.next += 1n;
  }
}

async function verify({ topic, partition, targetTo }: PartitionCopy, target: Admin): Promise<void> {
  const end = (await target.offsets(topic)).get(partition);
  if (end?.latest === targetTo) return;
  const message = `partition ${partition} of topic "${topic}" ends at ${end?.latest} there, not at ${targetTo}: somebody else writes to it`;
  throw new LogError('TOPIC_MISMATCH', message, false);
}
