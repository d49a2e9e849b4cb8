import { createHash } from 'node:crypto';
import type { LogRecord, TopicIdentity } from '@hailstream/log';

/** The job whose positions loads move. Every job has its own positions in the same log. */
export const LOAD_JOB = 'load';

/** The last record that was loaded before a position. */
export interface LastRecord {
  readonly offset: bigint;
  readonly digest: Buffer;
}

/** A row of `ride.log_positions`. */
export interface StoredPosition {
  readonly topic: string;
  readonly partition: number;
  readonly nextOffset: bigint;
  /** The log that the position was made with; `undefined` if nobody has bound it to one. */
  readonly identity: TopicIdentity | undefined;
  /** `undefined` if no record was loaded, or if something else than a load has moved the position since. */
  readonly lastRecord: LastRecord | undefined;
  /** Why loads refuse it until somebody resolves it. */
  readonly refused: LastingRefusal | undefined;
  readonly movedAt: Date | undefined;
}

/** What the log cannot show any more later on, and is therefore kept with the position. */
export type LastingRefusal = 'beyond-log-end' | 'other-record';

/** Offsets that a position passes although nothing of them was loaded. `to` is exclusive. */
export interface Gap {
  readonly topic: string;
  readonly partition: number;
  readonly from: bigint;
  readonly to: bigint;
  readonly cause: 'deleted' | 'reset';
}

/** Whether two identities are of the same log. */
export function isSameLog(one: TopicIdentity, other: TopicIdentity): boolean {
  return one.clusterId === other.clusterId && one.topicId === other.topicId;
}

/** A digest of what a record says, the same wherever it is copied to. */
export function digestOf(record: Pick<LogRecord, 'key' | 'value' | 'timestampMs'>): Buffer {
  const hash = createHash('sha256').update(`${record.timestampMs} ${record.key?.length ?? -1} `);
  if (record.key) hash.update(record.key);
  if (record.value) hash.update(record.value);
  return hash.digest();
}
