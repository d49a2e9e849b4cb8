import { backoffMs, withJitter } from '@hailstream/service/backoff';
import { RateLimitedLogger } from '@hailstream/service/rate-limited-logger';
import { sleep } from '@hailstream/service/timers';
import type { Logger } from 'pino';
import { createProducer } from '../producer/batching-producer.js';
import type { Producer } from '../producer/producer.js';
import { LogError } from '../core/errors.js';
import type { DeadLetter, DeadLetterQueue, DeadLetterQueueOptions } from './dead-letter.js';
import { deadLetterVersions, type DeadLetterContent } from './dead-letter-record.js';

const RETRY_BACKOFF = { firstMs: 200, maxMs: 30_000 };
/** Maximum number of dead letters in one send, and of bytes of their keys and values. */
const MAX_SEND_LETTERS = 500;
const MAX_SEND_BYTES = 4 * 1024 * 1024;

/** Creates a queue that writes to a dead-letter topic. It connects by itself. */
export function createDeadLetterQueue({
  connection,
  logger,
  topic,
}: DeadLetterQueueOptions): DeadLetterQueue {
  // A record from a compressed batch may be too large uncompressed.
  const producer = createProducer({ connection, logger, compression: 'gzip' });
  return new ProducerDeadLetterQueue(topic, producer, logger);
}

class ProducerDeadLetterQueue implements DeadLetterQueue {
  private readonly logger: RateLimitedLogger;

  constructor(
    private readonly topic: string,
    private readonly producer: Producer,
    logger: Logger,
  ) {
    this.logger = new RateLimitedLogger(logger);
  }

  async write(
    letters: readonly DeadLetter[],
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    const { signal = new AbortController().signal } = options;
    for (const slice of slices(letters)) await this.writeSlice(slice, signal);
    for (const letter of letters) this.report(letter);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.producer[Symbol.asyncDispose]();
    this.logger.stop();
  }

  /** Sends all of them together, then continues one by one with those that failed. */
  private async writeSlice(letters: readonly DeadLetter[], signal: AbortSignal): Promise<void> {
    const nowMs = Date.now();
    const attempts = letters.map((letter) => ({ letter, versions: deadLetterVersions(letter, nowMs) }));
    const contents = attempts.flatMap(({ versions }) => versions.next().value ?? []);
    const errors = await this.send(contents);
    for (const [index, { letter, versions }] of attempts.entries()) {
      const content = contents[index];
      if (content && errors[index])
        await this.retry({ letter, versions, content, error: errors[index] }, signal);
    }
  }

  private async retry(
    failed: {
      readonly letter: DeadLetter;
      readonly versions: Generator<DeadLetterContent, void, void>;
      readonly content: DeadLetterContent;
      readonly error: LogError;
    },
    signal: AbortSignal,
  ): Promise<void> {
    let { content, error }: { content: DeadLetterContent; error: LogError | undefined } = failed;
    for (let retries = 0; error; [error] = await this.send([content])) {
      if (error.retryable) {
        if (signal.aborted) throw error;
        const waitMs = withJitter(backoffMs(retries, RETRY_BACKOFF));
        const fields = { ...placeOf(failed.letter), err: error, waitMs: Math.round(waitMs) };
        this.logger.warn(fields, 'write to the dead-letter topic failed, will retry');
        retries += 1;
        await sleep(waitMs, signal);
        continue;
      }
      const smaller = isTooLarge(error) ? failed.versions.next() : undefined;
      if (!smaller || smaller.done) {
        const message = `cannot write to dead-letter topic "${this.topic}": ${error.message}`;
        throw new LogError('CONSUMER_CRASHED', message, false, { cause: error });
      }
      content = smaller.value;
    }
  }

  private async send(contents: readonly DeadLetterContent[]): Promise<(LogError | undefined)[]> {
    const { topic, producer } = this;
    try {
      const results = await producer.send(contents.map((content) => ({ topic, ...content })));
      return results.map((result) => (result.kind === 'failed' ? result.error : undefined));
    } catch (error) {
      if (error instanceof LogError) return contents.map(() => error);
      throw error;
    }
  }

  private report(letter: DeadLetter): void {
    const fields = { ...placeOf(letter), groupId: letter.groupId, err: letter.reason };
    if (letter.kind === 'record') {
      this.logger.warn({ ...fields, attempts: letter.attempts }, 'record written to the dead-letter topic');
    } else {
      this.logger.warn(fields, 'batch written to the dead-letter topic');
    }
  }
}

function* slices(letters: readonly DeadLetter[]): Generator<DeadLetter[], void, void> {
  let slice: DeadLetter[] = [];
  let sizeBytes = 0;
  for (const letter of letters) {
    const bytes = contentBytes(letter);
    if (slice.length >= MAX_SEND_LETTERS || (slice.length > 0 && sizeBytes + bytes > MAX_SEND_BYTES)) {
      yield slice;
      slice = [];
      sizeBytes = 0;
    }
    slice.push(letter);
    sizeBytes += bytes;
  }
  if (slice.length > 0) yield slice;
}

function contentBytes(letter: DeadLetter): number {
  if (letter.kind === 'batch') return letter.bytes?.length ?? 0;
  return (letter.record.key?.length ?? 0) + (letter.record.value?.length ?? 0);
}

function placeOf(letter: DeadLetter): { topic: string; partition: number; offset: string } {
  const { topic, partition } = letter;
  const offset = letter.kind === 'record' ? letter.record.offset : letter.baseOffset;
  return { topic, partition, offset: String(offset) };
}

/** The producer refuses a record that is larger than its whole buffer before it sends anything. */
function isTooLarge({ code, cause }: LogError): boolean {
  return code === 'RECORD_TOO_LARGE' || (code === 'REFUSED' && cause === undefined);
}
