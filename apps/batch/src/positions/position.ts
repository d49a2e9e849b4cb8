import { createHash } from 'node:crypto';
import type { LogRecord, TopicIdentity } from '@hailstream/log';

/** The job whose positions loads move. Every job has its own positions in the same log. */
export const LOAD_JOB = 'load';

/** The last record that was loaded before a position. */
interface LastRecord {
  readonly offset: bigint;
  readonly digest: Buffer;
}

/** A row of `ride.log_positions`. */
export interface StoredPosition {
  readonly topic: string;
  readonly partition: number;
  readonly nextOffset: bigint;
  /** The log that the position belongs to; `undefined` if it is not bound to one. */
  readonly identity: TopicIdentity | undefined;
  /** `undefined` if no record was loaded, or if the position has since been moved by something other than a load. */
  readonly lastRecord: LastRecord | undefined;
  /** Why loads refuse the position until it is reset or adopted. */
  readonly refused: LastingRefusal | undefined;
  readonly movedAt: Date | undefined;
}

/** Reasons for a refusal that may no longer be visible in the log later, and are therefore stored with the position. */
export type LastingRefusal = 'beyond-log-end' | 'other-record';

/** Offsets that a position passed without loading them. `to` is exclusive. */
export interface Gap {
  readonly topic: string;
  readonly partition: number;
  readonly from: bigint;
  readonly to: bigint;
  readonly cause: 'deleted' | 'reset';
}

/** Whether two identities belong to the same log. */
export function isSameLog(one: TopicIdentity, other: TopicIdentity): boolean {
  return one.clusterId === other.clusterId && one.topicId === other.topicId;
}

/** SHA-256 of timestamp, key and value of a record. Copies of the record have the same digest. */
export function digestOf(record: Pick<LogRecord, 'key' | 'value' | 'timestampMs'>): Buffer {
  const hash = createHash('sha256').update(`${record.timestampMs} ${record.key?.length ?? -1} `);
  if (record.key) hash.update(record.key);
  if (record.value) hash.update(record.value);
  return hash.digest();
}
