import { partitionName } from '@hailstream/log';
import { addCounts, NO_COUNTS, requireSum, type Counts } from './counts.js';
import { LoadError } from './load.errors.js';
import type { RebuildCounts } from '../trips/rebuild/rebuild-trips.postgres.js';
import { positionOf, type LogPartition, type Positions } from '../positions/log-partition.js';

/** Result of a load for one topic. */
interface TopicResult extends Counts {
  /**
   * Sum of the positions of all partitions before and after the load, including moves by other processes. If no other
   * process was loading, `to - from` is `read + skipped + lost`.
   */
  readonly from: number;
  readonly to: number;
  /** `lost` by partition, without partitions that lost nothing. */
  readonly lostByPartition: Readonly<Record<string, number>>;
}

export interface LoadResult extends Counts {
  /** `incomplete` if the log had deleted records before they were loaded; `lost` is their number. */
  readonly outcome: 'complete' | 'incomplete';
  readonly topics: Readonly<Record<string, TopicResult>>;
  readonly seconds: number;
  /** Rebuilt trips that the load has changed. Missing if they could not be rebuilt: the next load does. */
  readonly rebuiltTrips?: RebuildCounts;
}

/** Sums the counts of one load. */
export class LoadTally {
  private readonly counts = new Map<string, Counts>();

  add(partition: { readonly topic: string; readonly partition: number }, counts: Counts): void {
    const key = partitionName(partition.topic, partition.partition);
    this.counts.set(key, addCounts(this.counts.get(key) ?? NO_COUNTS, counts));
  }

  /** @throws LoadError `COUNTS_DISAGREE` if the sums do not match the positions */
  result(partitions: readonly LogPartition[], positions: Positions, seconds: number): LoadResult {
    const names = [...new Set(partitions.map(({ topic }) => topic))];
    const topics = Object.fromEntries(
      names.map((name) => {
        const ofTopic = partitions.filter(({ topic }) => topic === name);
        return [name, this.topicResult(name, ofTopic, positions)];
      }),
    );
    const total = Object.values(topics).reduce<Counts>(addCounts, NO_COUNTS);
    return { outcome: total.lost > 0 ? 'incomplete' : 'complete', topics, ...total, seconds };
  }

  private topicResult(topic: string, partitions: readonly LogPartition[], positions: Positions): TopicResult {
    const sum = (pick: (each: LogPartition) => bigint): number =>
      Number(partitions.reduce((total, each) => total + pick(each), 0n));
    const from = sum((each) => each.from);
    const to = sum((each) => positionOf(each, positions));
    const counts = partitions
      .map((each) => this.counts.get(partitionName(each.topic, each.partition)) ?? NO_COUNTS)
      .reduce(addCounts, NO_COUNTS);
    requireSum(counts, topic);
    if (counts.read + counts.skipped + counts.lost > to - from) {
      throw new LoadError(
        'COUNTS_DISAGREE',
        `${topic}: ${counts.read} records read, ${counts.skipped} offsets skipped and ${counts.lost} lost are more ` +
          `than the ${to - from} offsets from ${from} to ${to}: positions were reset during the load, or this is a bug`,
      );
    }
    const lost = partitions.flatMap((each) => {
      const ofPartition = this.counts.get(partitionName(each.topic, each.partition))?.lost ?? 0;
      return ofPartition > 0 ? [[String(each.partition), ofPartition] as const] : [];
    });
    return { ...counts, from, to, lostByPartition: Object.fromEntries(lost) };
  }
}
