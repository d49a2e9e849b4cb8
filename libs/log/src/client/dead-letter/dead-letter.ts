import type { Logger } from 'pino';
import type { LogHeader, LogRecord, UndecodableBatch } from '../record/record.js';
import type { TopicPartition } from '../../protocol/topic-partition.js';
import type { LogConnection } from '../core/connection.js';

/** Headers that a dead letter has after the record's own. All are UTF-8 text, numbers in decimal. */
export const DEAD_LETTER_HEADERS = {
  /** The first of these headers. Opaque; the same whenever a group dead-letters the same record again. */
  id: 'dead-letter-id',
  topic: 'dead-letter-topic',
  partition: 'dead-letter-partition',
  offset: 'dead-letter-offset',
  /** The record's timestamp in milliseconds. The dead letter's own timestamp is when it was written. */
  timestamp: 'dead-letter-timestamp',
  group: 'dead-letter-group',
  /** How often the record was passed to the handler. */
  attempts: 'dead-letter-attempts',
  errorName: 'dead-letter-error-name',
  /** Last offset of a batch that cannot be decoded; `dead-letter-offset` is its first. */
  lastOffset: 'dead-letter-last-offset',
  /** SHA-256 of such a batch, in hexadecimal. */
  batchSha256: 'dead-letter-batch-sha256',
  /** Size and SHA-256, in hexadecimal, of a value or key that was left out because it did not fit. */
  valueBytes: 'dead-letter-value-bytes',
  valueSha256: 'dead-letter-value-sha256',
  keyBytes: 'dead-letter-key-bytes',
  keySha256: 'dead-letter-key-sha256',
  error: 'dead-letter-error',
} as const;

/** A record that a consumer group cannot handle. */
export interface DeadLetterRecord extends TopicPartition {
  readonly kind: 'record';
  readonly record: LogRecord;
  readonly groupId: string;
  /** How often the group tried to handle it. */
  readonly attempts: number;
  readonly reason: Error;
}

/** A batch that cannot be decoded. */
export interface DeadLetterBatch extends UndecodableBatch {
  readonly kind: 'batch';
  readonly groupId: string;
}

export type DeadLetter = DeadLetterRecord | DeadLetterBatch;

export interface DeadLetterQueueOptions {
  readonly connection: LogConnection;
  readonly logger: Logger;
  /** The dead-letter topic, which must exist. */
  readonly topic: string;
}

/**
 * Writes records that cannot be handled to a dead-letter topic: key, value and headers unchanged, with additional headers that
 * give their origin and the reason ({@link DEAD_LETTER_HEADERS}). If the topic does not accept a dead letter because of its
 * size, the additional headers are shortened; then the value is left out; then the key and the record's own headers.
 *
 * A consumer writes a dead letter before it commits its position. If it is killed in between, the record is redelivered and
 * written again with the same id: readers that need each dead letter once deduplicate by {@link DeadLetterOrigin.id}.
 */
export interface DeadLetterQueue extends AsyncDisposable {
  /**
   * Writes dead letters. Resolves once the log has stored all of them; retries until then, or until `signal` aborts.
   *
   * @throws LogError `CONSUMER_CRASHED` if the topic will never accept one of them; retryable if `signal` was aborted
   */
  write(letters: readonly DeadLetter[], options?: { readonly signal?: AbortSignal }): Promise<void>;
}

/** Content that was left out of a dead letter because it did not fit. */
export interface OmittedContent {
  readonly sizeBytes: number;
  /** In hexadecimal. */
  readonly sha256: string;
}

/** The origin of a dead letter, and the reason. */
export interface DeadLetterOrigin extends TopicPartition {
  /** Opaque; the same whenever a group dead-letters the same record again. */
  readonly id: string;
  readonly offset: bigint;
  /** Only of a batch that cannot be decoded. */
  readonly lastOffset: bigint | undefined;
  readonly groupId: string;
  readonly attempts: number;
  /** The class and the message of the error; empty if they were left out because of the record's size. */
  readonly errorName: string;
  readonly error: string;
  /** The record's timestamp; of a batch that cannot be decoded, when the dead letter was written. */
  readonly timestampMs: number;
  /** The record's own headers, in order. */
  readonly headers: readonly LogHeader[];
  readonly omittedValue: OmittedContent | undefined;
  readonly omittedKey: OmittedContent | undefined;
}
