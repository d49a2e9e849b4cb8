import { createHash } from 'node:crypto';
import { backoffMs, withJitter } from '@hailstream/service/backoff';
import { sleep } from '@hailstream/service/timers';
import type { Logger } from 'pino';
import type { OutgoingMessage } from '../kafkajs/produce.js';
import type { KafkajsProducer } from '../producer/batching-producer.js';
import { type LogHeader, type LogRecord, type UndecodableBatch, headersOf } from '../record/record.js';
import type { TopicPartition } from '../record/topic-partition.js';
import { LogError } from '../shared/errors.js';

/** Headers that a dead letter has beside the record's own. All are UTF-8 text, numbers in decimal. */
export const DEAD_LETTER_HEADERS = {
  topic: 'dead-letter-topic',
  partition: 'dead-letter-partition',
  offset: 'dead-letter-offset',
  /** The record's own timestamp, in milliseconds; the dead letter's is when it became one. */
  timestamp: 'dead-letter-timestamp',
  group: 'dead-letter-group',
  /** How often the record was handed to the handler that could not handle it. */
  attempts: 'dead-letter-attempts',
  errorName: 'dead-letter-error-name',
  /** Of a batch that cannot be decoded: its last offset; `dead-letter-offset` is its first. */
  lastOffset: 'dead-letter-last-offset',
  /** Of a batch: the SHA-256 of its bytes, in hexadecimal. */
  batchSha256: 'dead-letter-batch-sha256',
  /** Of a value or key that did not fit, and is left out: its size, and its SHA-256 in hexadecimal. */
  valueBytes: 'dead-letter-value-bytes',
  valueSha256: 'dead-letter-value-sha256',
  keyBytes: 'dead-letter-key-bytes',
  keySha256: 'dead-letter-key-sha256',
  error: 'dead-letter-error',
} as const;

/** Longest texts in headers, in bytes: a dead letter must fit where its record did. */
const ERROR_BYTES = 1_000;
const ERROR_NAME_BYTES = 100;
const SHORT_ERROR_BYTES = 100;
const RETRY_BACKOFF = { firstMs: 200, maxMs: 30_000 };

export interface DeadLetter extends TopicPartition {
  readonly record: LogRecord;
  readonly reason: Error;
  readonly attempts: number;
  readonly groupId: string;
}

/** A batch that cannot be decoded, for the dead-letter topic. */
export type DeadBatch = UndecodableBatch & { readonly groupId: string };

/**
 * A record as dead letters, each smaller than the one before: the first one that the topic accepts is to be written.
 * The first has all of the record, untouched, and headers that say where it comes from and why it is here. Then these
 * become shorter; then the value is left out, its size and hash stated; at last so are the key and its own headers.
 */
export function deadLetterMessages(letter: DeadLetter, nowMs: number): OutgoingMessage[] {
  const { record, reason } = letter;
  const { key, value } = record;
  const own = headersOf(record);
  const timestamp = String(nowMs);
  const from: Header[] = [
    [DEAD_LETTER_HEADERS.topic, letter.topic],
    [DEAD_LETTER_HEADERS.partition, letter.partition],
    [DEAD_LETTER_HEADERS.offset, record.offset],
  ];
  const why = (errorBytes: number): Header[] => [
    [DEAD_LETTER_HEADERS.timestamp, record.timestampMs],
    [DEAD_LETTER_HEADERS.group, letter.groupId],
    [DEAD_LETTER_HEADERS.attempts, letter.attempts],
    [DEAD_LETTER_HEADERS.errorName, truncate(reason.name, ERROR_NAME_BYTES)],
    [DEAD_LETTER_HEADERS.error, truncate(reason.message, errorBytes)],
  ];
  const all = [...from, ...why(ERROR_BYTES)];
  const noValue = leftOut(value, DEAD_LETTER_HEADERS.valueBytes, DEAD_LETTER_HEADERS.valueSha256);
  const noKey = leftOut(key, DEAD_LETTER_HEADERS.keyBytes, DEAD_LETTER_HEADERS.keySha256);
  // A record that has been a dead letter before keeps what was said then; readers see the last.
  return [
    { key, value, headers: [...own, ...toHeaders(all)], timestamp },
    { key, value, headers: [...own, ...toHeaders([...from, ...why(SHORT_ERROR_BYTES)])], timestamp },
    { key, value, headers: [...own, ...toHeaders(from)], timestamp },
    { key, value: null, headers: [...own, ...toHeaders([...all, ...noValue])], timestamp },
    { key: null, value: null, headers: toHeaders([...all, ...noValue, ...noKey]), timestamp },
  ];
}

/** A batch as dead letters, in the same way; its value is the batch itself. */
export function deadBatchMessages(batch: DeadBatch, nowMs: number): OutgoingMessage[] {
  const { topic, partition, baseOffset, lastOffset, groupId, reason, bytes, sha256 } = batch;
  const headers = toHeaders([
    [DEAD_LETTER_HEADERS.topic, topic],
    [DEAD_LETTER_HEADERS.partition, partition],
    [DEAD_LETTER_HEADERS.offset, baseOffset],
    [DEAD_LETTER_HEADERS.lastOffset, lastOffset],
    [DEAD_LETTER_HEADERS.group, groupId],
    [DEAD_LETTER_HEADERS.errorName, reason.name],
    [DEAD_LETTER_HEADERS.error, truncate(reason.message, ERROR_BYTES)],
    [DEAD_LETTER_HEADERS.batchSha256, sha256],
  ]);
  const timestamp = String(nowMs);
  const without = { key: null, value: null, headers, timestamp };
  return bytes === null ? [without] : [{ ...without, value: bytes }, without];
}

type Header = readonly [key: string, value: string | number | bigint];

function toHeaders(headers: readonly Header[]): LogHeader[] {
  return headers.map(([key, value]) => ({ key, value: Buffer.from(String(value)) }));
}

function leftOut(bytes: Buffer | null, sizeHeader: string, hashHeader: string): Header[] {
  if (bytes === null) return [];
  return [
    [sizeHeader, bytes.length],
    [hashHeader, createHash('sha256').update(bytes).digest('hex')],
  ];
}

/** The start of a text that takes at most so many bytes of UTF-8, and ends with a whole character. */
function truncate(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text.slice(0, maxBytes));
  if (bytes.length <= maxBytes) return bytes.toString();
  let end = maxBytes;
  while (end > 0 && ((bytes[end] as number) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}

export interface DeadLetterWriterOptions {
  readonly topic: string;
  readonly producer: KafkajsProducer;
  readonly logger: Logger;
}

/** Puts records on the dead-letter topic. A record is there once `write` returns. */
export class DeadLetterWriter {
  constructor(private readonly options: DeadLetterWriterOptions) {}

  /**
   * Tries until the log has it, or `signal` aborts.
   *
   * @throws LogError `CONSUMER_CRASHED` if the log will never accept it; retryable if the signal aborted
   */
  async write(letter: DeadLetter, signal: AbortSignal): Promise<void> {
    const { topic, partition, record, attempts, reason } = letter;
    const where = { topic, partition, offset: String(record.offset) };
    await this.deliver(deadLetterMessages(letter, Date.now()), where, signal);
    this.options.logger.warn({ ...where, attempts, err: reason }, 'put a record on the dead-letter topic');
  }

  /** As {@link write}, for a batch. */
  async writeBatch(batch: DeadBatch, signal: AbortSignal): Promise<void> {
    const { topic, partition, baseOffset, reason } = batch;
    const where = { topic, partition, offset: String(baseOffset) };
    await this.deliver(deadBatchMessages(batch, Date.now()), where, signal);
    this.options.logger.warn({ ...where, err: reason }, 'put a batch on the dead-letter topic');
  }

  private async deliver(messages: OutgoingMessage[], where: object, signal: AbortSignal): Promise<void> {
    const { topic, logger } = this.options;
    const [smallest] = messages.slice(-1);
    let [message, ...smaller] = messages;
    for (let retry = 0; message; retry += 1) {
      const error = await this.attempt(message);
      if (!error) return;
      if (!error.retryable && message !== smallest && isTooLarge(error)) {
        [message, ...smaller] = smaller;
        continue;
      }
      if (!error.retryable) {
        const text = `cannot put a record on dead-letter topic "${topic}": ${error.message}`;
        throw new LogError('CONSUMER_CRASHED', text, false, { cause: error });
      }
      if (signal.aborted) throw error;
      logger.warn({ ...where, err: error }, 'the dead-letter topic did not accept a record, will retry');
      await sleep(withJitter(backoffMs(retry, RETRY_BACKOFF)), signal);
    }
  }

  private async attempt(message: OutgoingMessage): Promise<LogError | undefined> {
    const { topic, producer } = this.options;
    try {
      const [fate] = await producer.sendMessages([{ topic, message }]);
      return fate?.kind === 'failed' ? fate.error : undefined;
    } catch (error) {
      if (error instanceof LogError) return error;
      throw error;
    }
  }
}

/** A record larger than the producer's whole buffer is refused before anything is sent. */
function isTooLarge({ code, cause }: LogError): boolean {
  return code === 'RECORD_TOO_LARGE' || (code === 'REFUSED' && cause === undefined);
}
