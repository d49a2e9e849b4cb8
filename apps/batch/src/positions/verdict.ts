import type { TopicIdentity } from '@hailstream/log';
import { isSameLog, type StoredPosition } from './position.js';

/**
 * What a stored position is worth in the log that is present.
 *
 * - `ok`: loads go on there.
 * - `new`: there is none yet, and the first load makes it.
 * - `unbound`: it is bound to no log yet, or to another one with nothing loaded. Nothing of the present log lies before
 *   it, so that a load can bind it.
 * - `unchecked`: it is bound to no log yet. A load first compares the records before it with the database.
 * - `behind-log-start`: the log deleted records before they were loaded.
 * - `beyond-log-end`, `other-record`, `other-topic`, `other-cluster`: refused, as going on there would skip records.
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

/** A partition as the database and the log have it. */
export interface PartitionState {
  readonly stored: StoredPosition | undefined;
  /** The log that is present. */
  readonly present: TopicIdentity;
  /** First offset that the log has, and the offset after its last one. */
  readonly earliest: bigint;
  readonly latest: bigint;
}

/** Judges one partition. Pure: the same answer from every process. */
export function judge({ stored, present, earliest, latest }: PartitionState): Verdict {
  if (stored === undefined) return 'new';
  const { nextOffset, identity, refused } = stored;
  if (identity !== undefined && !isSameLog(identity, present)) {
    // Nothing was loaded: nothing in the present log is skipped.
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
