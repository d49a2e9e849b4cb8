import type { TopicIdentity } from '@hailstream/log';
import { isSameLog, type StoredPosition } from './position.js';

/**
 * Whether loads can continue at a stored position in the current log.
 *
 * - `ok`: loads continue there.
 * - `new`: the partition has no position. The first load creates it.
 * - `unbound`: the position is not bound to a log, or is bound to another one from which nothing was loaded. The current
 *   log has no records before it, so a load can bind it.
 * - `unchecked`: the position is not bound to a log. A load first compares the records before it with the database.
 * - `behind-log-start`: the log deleted records before they were loaded.
 * - `beyond-log-end`, `other-record`, `other-topic`, `other-cluster`: refused, because continuing would skip records.
 * - `no-topic`: the log has no such topic or partition.
 */
export type Verdict =
  | 'ok'
  | 'new'
  | 'unbound'
  | 'unchecked'
  | 'behind-log-start'
  | 'beyond-log-end'
  | 'other-record'
  | 'other-topic'
  | 'other-cluster'
  | 'no-topic';

export type Refusal = Extract<
  Verdict,
  'beyond-log-end' | 'other-record' | 'other-topic' | 'other-cluster' | 'no-topic'
>;

/** The state of a partition in the database and in the log. */
interface PartitionState {
  readonly stored: StoredPosition | undefined;
  /** The current log. */
  readonly present: TopicIdentity;
  /** First offset of the log, and the offset after its last record. */
  readonly earliest: bigint;
  readonly latest: bigint;
}

/** Compares the position of one partition with the log. */
export function judge({ stored, present, earliest, latest }: PartitionState): Verdict {
  if (stored === undefined) return 'new';
  const { nextOffset, identity, refused } = stored;
  if (identity !== undefined && !isSameLog(identity, present)) {
    // Nothing was loaded, so nothing in the current log is skipped.
    if (nextOffset === 0n) return 'unbound';
    return identity.clusterId === present.clusterId ? 'other-topic' : 'other-cluster';
  }
  if (refused !== undefined) return refused;
  if (nextOffset > latest) return 'beyond-log-end';
  if (nextOffset < earliest) return 'behind-log-start';
  if (identity !== undefined) return 'ok';
  return nextOffset === earliest ? 'unbound' : 'unchecked';
}

export function isRefusal(verdict: Verdict): verdict is Refusal {
  switch (verdict) {
    case 'beyond-log-end':
    case 'other-record':
    case 'other-topic':
    case 'other-cluster':
    case 'no-topic':
      return true;
    case 'ok':
    case 'new':
    case 'unbound':
    case 'unchecked':
    case 'behind-log-start':
      return false;
  }
}
