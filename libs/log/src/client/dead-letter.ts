import type { Logger } from 'pino';
import { backoffMs, pauseFor, withJitter } from './backoff.js';
import type { TopicPartition } from './consumer.js';
import type { OutgoingMessage } from './delivery.js';
import { LogError } from './errors.js';
import type { KafkajsProducer } from './kafkajs-producer.js';
import { allHeaders } from './log-record.js';
import type { LogRecord } from './record.js';

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
  error: 'dead-letter-error',
} as const;

/** Longest error text in a header, in characters: a dead letter must fit where its record did. */
const ERROR_CHARACTERS = 1_000;
const RETRY_BACKOFF = { firstMs: 200, maxMs: 30_000 };

export interface DeadLetter extends TopicPartition {
  readonly record: LogRecord;
  readonly reason: Error;
  readonly attempts: number;
  readonly groupId: string;
}

/** The record itself, untouched, and headers that say from where it comes, and why it is here. */
export function deadLetterMessage(letter: DeadLetter, nowMs: number): OutgoingMessage {
  const { record, reason } = letter;
  const added: Record<string, string> = {
    [DEAD_LETTER_HEADERS.topic]: letter.topic,
    [DEAD_LETTER_HEADERS.partition]: String(letter.partition),
    [DEAD_LETTER_HEADERS.offset]: String(record.offset),
    [DEAD_LETTER_HEADERS.timestamp]: String(record.timestampMs),
    [DEAD_LETTER_HEADERS.group]: letter.groupId,
    [DEAD_LETTER_HEADERS.attempts]: String(letter.attempts),
    [DEAD_LETTER_HEADERS.errorName]: reason.name,
    [DEAD_LETTER_HEADERS.error]: reason.message.slice(0, ERROR_CHARACTERS),
  };
  const headers: NonNullable<OutgoingMessage['headers']> = {};
  for (const [name, value] of Object.entries(allHeaders(record)))
    if (value !== undefined) headers[name] = value;
  for (const [name, value] of Object.entries(added)) {
    const own = headers[name];
    // A record that has been a dead letter before keeps what was said then; readers see the last.
    headers[name] = own === undefined ? value : [...(Array.isArray(own) ? own : [own]), value];
  }
  return { key: record.key, value: record.value, headers, timestamp: String(nowMs) };
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
   * @throws LogError `CONSUMER_CRASHED` where the log will never take it; retryable where the signal aborted
   */
  async write(letter: DeadLetter, signal: AbortSignal): Promise<void> {
    const { topic, producer, logger } = this.options;
    const where = { topic: letter.topic, partition: letter.partition, offset: String(letter.record.offset) };
    for (let retry = 0; ; retry += 1) {
      const error = await this.attempt(producer, topic, letter);
      if (!error) {
        logger.warn(
          { ...where, attempts: letter.attempts, err: letter.reason },
          'put a record on the dead-letter topic',
        );
        return;
      }
      if (!error.retryable) {
        const message = `cannot put a record on dead-letter topic "${topic}": ${error.message}`;
        throw new LogError('CONSUMER_CRASHED', message, false, { cause: error });
      }
      if (signal.aborted) throw error;
      logger.warn({ ...where, err: error }, 'the dead-letter topic does not take a record, trying again');
      await pauseFor(withJitter(backoffMs(retry, RETRY_BACKOFF)), signal);
    }
  }

  private async attempt(
    producer: KafkajsProducer,
    topic: string,
    letter: DeadLetter,
  ): Promise<LogError | undefined> {
    try {
      const [fate] = await producer.sendMessages([{ topic, message: deadLetterMessage(letter, Date.now()) }]);
      return fate?.kind === 'failed' ? fate.error : undefined;
    } catch (error) {
      if (error instanceof LogError) return error;
      throw error;
    }
  }
}
