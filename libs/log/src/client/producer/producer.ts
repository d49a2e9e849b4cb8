import type { Logger } from 'pino';
import type { OutgoingRecord, RecordFate } from '../record/record.js';
import type { Compression } from '../shared/compression.js';
import type { LogConnection } from '../shared/connection.js';

export interface ProducerOptions {
  readonly connection: LogConnection;
  readonly logger: Logger;
  /** Longest that a record waits for others to share its batch; it doesn't where no two sends met lately. @default 2 */
  readonly lingerMs?: number;
  /** How batches are compressed: less to write and to copy between brokers, for processor time here. @default none @see canCompress */
  readonly compression?: Compression;
  /** A partition's batch is sent once it has this many bytes of keys and values. @default 512 KiB */
  readonly batchBytes?: number;
  /** Bytes of keys and values that may wait or be in flight; beyond it `send` fails at once. @default 32 MiB */
  readonly bufferBytes?: number;
  /** Longest from `send` to a fate: what has none by then failed, retryable. @default 10_000 */
  readonly deliveryTimeoutMs?: number;
}

/** Appends records: idempotent, acknowledged by all in-sync replicas, concurrent sends gathered into batches. */
export interface Producer extends AsyncDisposable {
  /**
   * Appends records, and tells the fate of each, in the order given. Resolves within `deliveryTimeoutMs`.
   *
   * @throws LogError at once, none of the records taken: `BUFFER_FULL` (retryable); `REFUSED` where one call has more
   * bytes than the whole buffer; `CLOSED` after disposal
   */
  send(records: readonly OutgoingRecord[]): Promise<RecordFate[]>;
  /** Whether the log was reachable at the last attempt: false from a failed send or connection until one succeeds. */
  readonly healthy: boolean;
  /** Bytes waiting or in flight. */
  readonly bufferedBytes: number;
}
