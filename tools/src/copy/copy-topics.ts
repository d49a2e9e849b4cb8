import {
  createAdmin,
  createProducer,
  createRangeReader,
  type Admin,
  type LogConnection,
  type RangeReader,
  type ResolvedRange,
} from '@hailstream/log';
import type { Logger } from '@hailstream/service/logging';
import { CopyError, PartitionCopy, type CopiedPartition } from './partition-copy.js';
import { requireCopies } from './require-copies.js';

/** The copy fails if a partition cannot be read for this long. */
const STALL_TIMEOUT_MS = 120_000;
/** Partitions that are copied at the same time. */
const CONCURRENT_PARTITIONS = 8;
/** Enough for one batch of each of these partitions; a batch has a few megabytes at most. */
const PRODUCER_BUFFER_BYTES = 128 * 1024 * 1024;

export interface CopyOptions {
  readonly from: LogConnection;
  readonly to: LogConnection;
  readonly topics: readonly string[];
  readonly logger: Logger;
  readonly signal?: AbortSignal;
  /** Called after each batch. */
  readonly onProgress?: (progress: CopyProgress) => void;
}

/** In records of all partitions; `total` is the number of records in the source at the start of the copy. */
export interface CopyProgress {
  readonly done: number;
  readonly total: number;
}

/**
 * Copies topics from one log to another: keys, values, headers, timestamps, partitions and order. A second copy adds the
 * records that the source has received since. No other client may write to the topics of either log meanwhile.
 *
 * @throws CopyError `PARTITIONS_DIFFER`, `NOT_A_COPY` or `TARGET_CHANGED` if the target has other partitions or records;
 * `OFFSETS_NOT_KEPT` if the source has gaps between records, caused by compaction or transactions; LogError
 * `OFFSETS_MISSING`, `UNDECODABLE`, `TOPIC_RECREATED` as `readRange` does; the signal's reason
 */
export async function copyTopics(options: CopyOptions): Promise<CopiedPartition[]> {
  const { from, to, topics, logger } = options;
  await using source = createRangeReader({ connection: from, logger, stallTimeoutMs: STALL_TIMEOUT_MS });
  await using target = createAdmin({ connection: to, logger });
  const ranges = await sourceRanges(source, topics);
  const copies: PartitionCopy[] = [];
  for (const topic of topics) {
    copies.push(
      ...(await planTopic(
        topic,
        ranges.filter((range) => range.topic === topic),
        target,
      )),
    );
  }
  await requireCopies(copies, { source, to, logger });
  await runCopies(copies, source, options);
  for (const copy of copies) await requireEnd(copy, target);
  // Topics without new records were not read; check that they were not recreated either.
  await sourceRanges(source, topics, ranges);
  return copies.map(({ result }) => result);
}

/** @throws LogError `TOPIC_RECREATED` if a topic is not the one of the `known` ranges */
async function sourceRanges(
  source: RangeReader,
  topics: readonly string[],
  known: readonly ResolvedRange[] = [],
): Promise<readonly ResolvedRange[]> {
  const { ranges } = await source.readRange({
    ranges: topics.map((topic) => {
      const topicId = known.find((range) => range.topic === topic)?.topicId;
      return { topic, from: 'earliest', to: 'latest', ...(topicId === undefined ? {} : { topicId }) };
    }),
  });
  return ranges;
}

async function planTopic(
  topic: string,
  ranges: readonly ResolvedRange[],
  target: Admin,
): Promise<PartitionCopy[]> {
  await target.ensureTopics([{ name: topic, partitions: ranges.length }]);
  const present = await target.offsets(topic);
  if (present.size !== ranges.length) {
    const message = `topic "${topic}" has ${ranges.length} partitions in the source log and ${present.size} in the target log: keys would move to other partitions`;
    throw new CopyError('PARTITIONS_DIFFER', message);
  }
  return ranges.map(({ partition, topicId, from, to }) => {
    const { earliest, latest } = present.get(partition) ?? { earliest: 0n, latest: 0n };
    const copied = latest - earliest;
    if (copied > to - from) {
      const message = `partition ${partition} of topic "${topic}" has ${to - from} records in the source log and ${copied} in the target log: it is not a copy`;
      throw new CopyError('NOT_A_COPY', message);
    }
    return new PartitionCopy({
      topic,
      partition,
      topicId,
      source: { from, to },
      targetFrom: earliest,
      copied,
    });
  });
}

/** Copies several partitions at a time. The first failure stops the others. */
async function runCopies(
  copies: readonly PartitionCopy[],
  reader: RangeReader,
  { to, logger, signal, onProgress }: CopyOptions,
): Promise<void> {
  const pending = copies.filter(({ left }) => left > 0);
  if (pending.length === 0) return;
  const total = sum(copies.map((copy) => copy.total));
  const report = (): void => onProgress?.({ done: total - sum(copies.map(({ left }) => left)), total });
  await using producer = createProducer({ connection: to, logger, bufferBytes: PRODUCER_BUFFER_BYTES });
  const failed = new AbortController();
  const clients = {
    reader,
    producer,
    signal: signal ? AbortSignal.any([signal, failed.signal]) : failed.signal,
  };
  const work = async (): Promise<void> => {
    for (let copy = pending.shift(); copy; copy = pending.shift()) await copy.run(clients, report);
  };
  const workers = Array.from({ length: CONCURRENT_PARTITIONS }, async () => {
    try {
      await work();
    } catch (error) {
      failed.abort(error);
    }
  });
  await Promise.all(workers);
  clients.signal.throwIfAborted();
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

async function requireEnd({ topic, partition, targetTo }: PartitionCopy, target: Admin): Promise<void> {
  const end = (await target.offsets(topic)).get(partition)?.latest;
  if (end === targetTo) return;
  const message = `partition ${partition} of topic "${topic}" ends at offset ${end} in the target log, expected ${targetTo}: another client writes to it`;
  throw new CopyError('TARGET_CHANGED', message);
}
