import { LogError, type Admin, type TopicIdentity } from '@hailstream/log';
import type { StoredPosition } from './position.js';
import type { LogPositions } from './positions.postgres.js';
import { judge, type Verdict } from './verdict.js';

/** A partition of the log, its stored position, and the comparison of both. */
export interface InspectedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly stored: StoredPosition | undefined;
  /** Whether the log has this partition. */
  readonly isInLog: boolean;
  /** The current log; `undefined` if it has no such topic. */
  readonly present: TopicIdentity | undefined;
  readonly earliest: bigint;
  /** High watermark: the offset after the last record, including open transactions. */
  readonly latest: bigint;
  /** Last stable offset: loads read committed records up to it. */
  readonly stable: bigint;
  readonly verdict: Verdict;
}

interface InspectOptions {
  readonly admin: Admin;
  readonly positions: LogPositions;
  readonly topics: readonly string[];
}

type Ends = ReadonlyMap<number, { readonly earliest: bigint; readonly latest: bigint }>;

/** Compares the stored positions of topics with the log. */
export async function inspect({ admin, positions, topics }: InspectOptions): Promise<InspectedPartition[]> {
  const presents = await presentIdentities(admin, topics);
  // Positions are read before ends: another process cannot have moved one beyond an end that is read later.
  const stored = await positions.readStored(topics);
  const inspected: InspectedPartition[] = [];
  for (const topic of topics) {
    const present = presents.get(topic);
    const ofTopic = stored.filter((each) => each.topic === topic);
    const ends: Ends = present === undefined ? new Map() : await admin.offsets(topic);
    const stableEnds: Ends =
      present === undefined ? new Map() : await admin.offsets(topic, { isolation: 'read_committed' });
    for (const [partition, { earliest, latest }] of ends) {
      const stable = stableEnds.get(partition)?.latest ?? earliest;
      const position = ofTopic.find((each) => each.partition === partition);
      const state = { stored: position, present: present!, earliest, latest };
      inspected.push({ topic, partition, isInLog: true, ...state, stable, verdict: judge(state) });
    }
    for (const position of ofTopic) {
      if (ends.has(position.partition)) continue;
      inspected.push(withoutPartition(position, present));
    }
  }
  return inspected;
}

/** Returns the identities of the topics that exist. */
export async function presentIdentities(
  admin: Admin,
  topics: readonly string[],
): Promise<ReadonlyMap<string, TopicIdentity>> {
  const found = new Map<string, TopicIdentity>();
  for (const topic of topics) {
    try {
      const identity = (await admin.identities([topic])).get(topic);
      if (identity !== undefined) found.set(topic, identity);
    } catch (error) {
      if (!(error instanceof LogError) || error.code !== 'UNKNOWN_TOPIC') throw error;
    }
  }
  return found;
}

function withoutPartition(stored: StoredPosition, present: TopicIdentity | undefined): InspectedPartition {
  const { topic, partition } = stored;
  // A topic that was created again with fewer partitions.
  const verdict = present ? judge({ stored, present, earliest: 0n, latest: 0n }) : 'no-topic';
  return { topic, partition, isInLog: false, stored, present, earliest: 0n, latest: 0n, stable: 0n, verdict };
}
