import type { Logger } from 'pino';
import type { Compression } from '../kafkajs/codecs.js';
import type { OutgoingRecord, DeliveryResult } from '../record/record.js';
import type { LogConnection } from '../core/connection.js';

export interface ProducerOptions {
  readonly connection: LogConnection;
  readonly logger: Logger;
  /** Maximum time that a record waits for others to share its batch. It does not wait if the last request had one `send` only. @default 2 */
  readonly lingerMs?: number;
  /** Compression of batches: fewer bytes to send, store and replicate, at the cost of CPU time. @default none @see canCompress */
  readonly compression?: Compression;
  /** A batch with this many bytes of keys, values and headers is sent without waiting for more. @default 512 KiB */
  readonly batchBytes?: number;
  /** Maximum number of bytes of keys, values and headers that may be waiting or in flight. Beyond it `send` throws. @default 32 MiB */
  readonly bufferBytes?: number;
  /** Maximum time that a record waits for its result. Then it fails, retryable. @default 10_000 */
  readonly deliveryTimeoutMs?: number;
}

/** Appends records: idempotent, acknowledged by all in-sync replicas, concurrent sends share batches. */
export interface Producer extends AsyncDisposable {
  /**
   * Appends records. Resolves within `deliveryTimeoutMs` with a result for each, in the order given.
   *
   * @throws LogError if none of the records was accepted: `BUFFER_FULL` (retryable); `REFUSED` if they have more bytes
   * than the whole buffer; `CLOSED` after disposal
   */
  send(records: readonly OutgoingRecord[]): Promise<DeliveryResult[]>;
  /** Whether the log was reachable at the last request or connection attempt. */
  readonly healthy: boolean;
  /** Bytes of keys, values and headers that are waiting or in flight. */
  readonly bufferedBytes: number;
}
