import type { LogError } from './errors.js';

/** A header of a record. A record may have several with the same key. */
export interface LogHeader {
  readonly key: string;
  readonly value: Buffer | null;
}

/** A record to append. Order holds among records of one topic with the same key. */
export interface OutgoingRecord {
  readonly topic: string;
  readonly key: string;
  /** Borrowed until the record's fate is known: do not change it before. */
  readonly value: Buffer;
  /** As a list, they keep their order, may repeat, and need not have values. */
  readonly headers?: Readonly<Record<string, string>> | readonly LogHeader[];
  /** Milliseconds. @default when the producer took the record */
  readonly timestampMs?: number;
}

/** What became of one record: in the log, or not; where not, `error.retryable` says whether to send it again. */
export type RecordFate =
  | { readonly kind: 'appended'; readonly partition: number; readonly offset: bigint }
  | { readonly kind: 'failed'; readonly error: LogError };

/** A record as it lies in the log. Buffers are borrowed: valid until the handler that got them returns. */
export interface LogRecord {
  readonly offset: bigint;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** By name: the last one of each, empty if it has no value. All of them, in order: `headersOf`. */
  readonly headers: Readonly<Record<string, Buffer>>;
  /** When ingest received it, in milliseconds. */
  readonly timestampMs: number;
}
