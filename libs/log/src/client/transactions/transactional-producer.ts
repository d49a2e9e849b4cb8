import type { Logger } from 'pino';
import type { EncodedHeaders } from '../../protocol/batch-encoder.js';
import type { Compression } from '../kafkajs/codecs.js';
import type { LogConnection } from '../core/connection.js';
import type { LogHeader, LogRecord, OutgoingRecord } from '../record/record.js';

export interface TransactionalProducerOptions {
  readonly connection: LogConnection;
  readonly logger: Logger;
  /** Of all producers with the same id, only the one that was opened last can append. */
  readonly transactionalId: string;
  /** After this time the brokers abort a transaction whose producer has disappeared; readers wait until then. @default 60_000 */
  readonly transactionTimeoutMs?: number;
  /** Maximum time that opening the producer, or one transaction, may take. @default 30_000 */
  readonly timeoutMs?: number;
  /** @default none @see canCompress */
  readonly compression?: Compression;
}

/** Copies to append to one topic. The functions are called once for each record, before the next one is read. */
export interface RecordCopies {
  readonly topic: string;
  /** Records that were read from a log. */
  readonly records: Iterable<LogRecord>;
  /** Partition of the copy. `undefined`: by key, as Kafka's default partitioner does. */
  partitionOf(record: LogRecord): number | undefined;
  /** Headers of the copy. */
  headersOf(record: LogRecord): readonly LogHeader[];
  /** Headers after those of `headersOf`. Borrowed until the next call. */
  addedHeaders(record: LogRecord): EncodedHeaders;
}

/** An offset to commit for a consumer group. The cluster must have the partition. */
export interface GroupOffset {
  readonly groupId: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

/**
 * Appends records in transactions, each optionally together with an offset of a consumer group.
 *
 * After an error the outcome of the transaction is unknown, and this producer is unusable. Open another one with the same id,
 * which aborts or completes the transaction, and continue at the committed offset, or after the records that are committed.
 */
export interface TransactionalProducer extends Disposable {
  /**
   * Appends all records and commits the offset, if there is one, in one transaction; calls must not overlap. With no records
   * only the offset is committed. Each record is encoded before the next one is read, so its buffers are borrowed until then.
   *
   * @throws LogError `FENCED` if another producer was opened with the same id; retryable if the cluster is unavailable;
   * `RECORD_TOO_LARGE` or `REFUSED` if it does not accept the records
   */
  append(records: Iterable<OutgoingRecord>, groupOffset?: GroupOffset): Promise<void>;

  /** Like {@link append}. Key and value of each record are copied as they are encoded. */
  appendCopies(copies: RecordCopies, groupOffset?: GroupOffset): Promise<void>;
}
