import { partitionId, type TopicPartition } from '../../protocol/topic-partition.js';
import { LogError } from '../core/errors.js';
import type { Isolation, OffsetBound } from '../kafkajs/list-offsets.js';
import type { RangeCluster, TopicLayout } from './range-cluster.js';
import type { LogRange, ResolvedRange } from './range.js';

/** A range, and the node that leads its partition. */
export interface LedRange extends ResolvedRange {
  readonly leader: number;
}

type Cluster = Pick<RangeCluster, 'describe' | 'listOffsets'>;

/** A range of one partition, and which bounds of it have to be looked up. */
interface Wanted {
  readonly range: LogRange;
  readonly partition: number;
  readonly leader: number;
  readonly topicId: string | undefined;
}

function least(one: bigint, other: bigint): bigint {
  return one < other ? one : other;
}

/**
 * Finds the partitions of the ranges, their leaders, and the offsets of their bounds.
 *
 * @throws LogError `REFUSED` if a range ends before it starts, or a partition is unknown or named twice;
 * `TOPIC_RECREATED` if a topic does not have the id that its range names; those of the cluster
 */
export async function resolveRanges(
  ranges: readonly LogRange[],
  cluster: Cluster,
  isolation: Isolation,
): Promise<LedRange[]> {
  const layouts = await cluster.describe([...new Set(ranges.map(({ topic }) => topic))]);
  const requested = ranges.flatMap((range) => partitionsOf(range, layouts.get(range.topic)!));
  requireDistinct(requested);
  const offsets = await lookUpBounds(requested, cluster, isolation);
  return requested.map((each) => {
    const { range, partition, topicId, leader } = each;
    const id = partitionId({ topic: range.topic, partition });
    const from = offsets.get(`from ${id}`) ?? (range.from as bigint);
    const to = offsets.get(`to ${id}`) ?? (range.to as bigint);
    return { topic: range.topic, partition, topicId, leader, ...bounded(range, from, to) };
  });
}

/** @throws LogError `TOPIC_RECREATED` */
export function requireTopicId(topic: string, wanted: string | undefined, found: string | undefined): void {
  if (wanted === undefined || found === wanted) return;
  const message = `topic "${topic}" was deleted and created again: its id is ${found}, expected ${wanted}`;
  throw new LogError('TOPIC_RECREATED', message, false);
}

function partitionsOf(range: LogRange, { topicId, leaders }: TopicLayout): Wanted[] {
  const { topic, partition } = range;
  requireTopicId(topic, range.topicId, topicId);
  const partitions = partition === undefined ? [...leaders.keys()].sort((a, b) => a - b) : [partition];
  return partitions.map((each) => {
    const leader = leaders.get(each);
    if (leader === undefined) {
      throw new LogError(
        'REFUSED',
        `topic "${topic}" has ${leaders.size} partitions, there is no partition ${each}`,
        false,
      );
    }
    return { range, partition: each, leader, topicId };
  });
}

function requireDistinct(wanted: readonly Wanted[]): void {
  const seen = new Set<string>();
  for (const { range, partition } of wanted) {
    const id = partitionId({ topic: range.topic, partition });
    if (seen.has(id)) {
      const message = `partition ${partition} of topic "${range.topic}" is named twice: use one read for each range`;
      throw new LogError('REFUSED', message, false);
    }
    seen.add(id);
  }
}

/** A range is empty if its start, which was looked up after its end, is greater than the end. */
function bounded(range: LogRange, from: bigint, to: bigint): { readonly from: bigint; readonly to: bigint } {
  if (from <= to) return { from, to };
  if (typeof range.from !== 'bigint') return { from: to, to };
  if (typeof range.to !== 'bigint') return { from, to: from };
  throw new LogError(
    'REFUSED',
    `the range of "${range.topic}" starts at ${from} and ends before, at ${to}`,
    false,
  );
}

/** The bounds that are not offsets, by `from` or `to` and the partition. */
async function lookUpBounds(
  wanted: readonly Wanted[],
  cluster: Cluster,
  isolation: Isolation,
): Promise<Map<string, bigint>> {
  const found = new Map<string, bigint>();
  await Promise.all(
    grouped(wanted).map(async (group) => {
      const { leader, range } = group[0]!;
      const ask = (side: 'from' | 'to', bounds: ReadonlyMap<number, OffsetBound>) =>
        cluster.listOffsets(leader, { topic: range.topic, isolation, bounds });
      const open = group.filter(
        ({ range: { from, to } }) => typeof from !== 'bigint' || typeof to !== 'bigint',
      );
      const ends = await ask('to', new Map(open.map(({ partition }) => [partition, 'latest'])));
      for (const side of ['from', 'to'] as const) {
        const bounds = boundsOf(open, side);
        // The end was looked up once for all that refer to it, so that two bounds are the same.
        const starts = await ask(side, new Map([...bounds].filter(([, bound]) => bound !== 'latest')));
        for (const [partition] of bounds) {
          const end = ends.get(partition)!;
          found.set(
            `${side} ${partitionId({ topic: range.topic, partition })}`,
            least(starts.get(partition) ?? end, end),
          );
        }
      }
      await requireReached(open, ends, cluster);
    }),
  );
  return found;
}

/**
 * A position may lie behind the last stable offset, which moves back while a transaction is open, but not behind the end.
 *
 * @throws LogError `LOG_TRUNCATED`
 */
async function requireReached(
  open: readonly Wanted[],
  ends: ReadonlyMap<number, bigint | undefined>,
  cluster: Cluster,
): Promise<void> {
  const beyond = open.filter(
    ({ range: { from }, partition }) => typeof from === 'bigint' && from > ends.get(partition)!,
  );
  if (beyond.length === 0) return;
  const { leader, range } = beyond[0]!;
  const bounds = new Map(beyond.map(({ partition }) => [partition, 'latest' as const]));
  const logEnds = await cluster.listOffsets(leader, {
    topic: range.topic,
    isolation: 'read_uncommitted',
    bounds,
  });
  for (const {
    range: { topic, from },
    partition,
  } of beyond) {
    const end = logEnds.get(partition)!;
    if ((from as bigint) > end) throw truncated({ topic, partition }, from as bigint, end);
  }
}

/** A partition that ends before a position: it lost its end, or it is not the log that the position is from. */
export function truncated({ topic, partition }: TopicPartition, position: bigint, end: bigint): LogError {
  const message = `partition ${partition} of topic "${topic}" ends at offset ${end}, before offset ${position}`;
  return new LogError('LOG_TRUNCATED', message, false);
}

function boundsOf(open: readonly Wanted[], side: 'from' | 'to'): Map<number, OffsetBound> {
  const bounds = new Map<number, OffsetBound>();
  for (const { range, partition } of open) {
    const bound = range[side];
    if (typeof bound !== 'bigint') bounds.set(partition, bound);
  }
  return bounds;
}

/** By topic and leader: what one request can ask. */
function grouped(wanted: readonly Wanted[]): Wanted[][] {
  const groups = new Map<string, Wanted[]>();
  for (const each of wanted) {
    const id = `${each.leader}/${each.range.topic}`;
    const group = groups.get(id);
    if (group) group.push(each);
    else groups.set(id, [each]);
  }
  return [...groups.values()];
}
