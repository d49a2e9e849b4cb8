import { partitionName, type TopicIdentity } from '@hailstream/log';
import type { StoredPosition } from './position.js';

/** The part of one partition that a load reads. */
export interface LogPartition {
  readonly topic: string;
  readonly partition: number;
  /** The log that it belongs to. */
  readonly identity: TopicIdentity;
  /** Offset after the last record loaded when the load began. */
  readonly from: bigint;
  /** Offset after the last record in the log when the load began. The load ends there or later. */
  readonly target: bigint;
  /** First offset that the log had. */
  readonly earliest: bigint;
  /** Position whose last records must be compared with the log before the load; `undefined` if there are none. */
  readonly unchecked: StoredPosition | undefined;
}

/** Offsets after the last record loaded, by {@link partitionName}. */
export type Positions = ReadonlyMap<string, bigint>;

type PlannedRange = Pick<LogPartition, 'topic' | 'partition' | 'from' | 'target'>;

/** Number of offsets that remain to be loaded. */
export function remaining(partitions: readonly PlannedRange[], positions: Positions): bigint {
  return partitions.reduce((sum, each) => {
    const left = each.target - positionOf(each, positions);
    return left > 0n ? sum + left : sum;
  }, 0n);
}

export function positionOf(partition: PlannedRange, positions: Positions): bigint {
  return positions.get(partitionName(partition.topic, partition.partition)) ?? partition.from;
}
