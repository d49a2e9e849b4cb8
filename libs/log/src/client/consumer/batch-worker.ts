import { backoffMs, withJitter } from '@hailstream/service/backoff';
import type { Logger } from 'pino';
import type { DeadLetter, DeadLetterWriter } from '../dead-letter/dead-letter.js';
import type { LogRecord } from '../record/record.js';
import { LogError } from '../shared/errors.js';
import type { BatchContext, BatchHandler, RecordBatch } from './consumer.js';
import { RetryLadder } from './retry-policy.js';

const MAX_RETRY_WAIT_MS = 30_000;

export interface BatchWorkerOptions {
  readonly handler: BatchHandler;
  readonly groupId: string;
  readonly maxAttempts: number;
  readonly retryBackoffMs: number;
  readonly maxBatchRecords: number;
  /** Where there is none, a record that can't be handled ends the consumer. */
  readonly deadLetters: DeadLetterWriter | undefined;
  readonly logger: Logger;
}

/** What a worker needs of the consumer that fetched the records. */
export interface WorkContext {
  readonly signal: AbortSignal;
  heartbeat(): Promise<void>;
  /** Everything before `nextOffset` is done with: reading goes on there. */
  passed(nextOffset: bigint): Promise<void>;
  /** Whether no further records should be handed over. */
  shouldStop(): boolean;
}

/** Whether an error says that something else is down, rather than that these records can't be handled. */
export function isRetryable(error: unknown): boolean {
  return error instanceof Error && 'retryable' in error && error.retryable === true;
}

/** Hands the records of one partition to the handler, in chunks, and decides what becomes of those that fail. */
export class BatchWorker {
  private readonly ladder: RetryLadder;
  /** Offsets ahead of the last commit that are on the dead-letter topic already. */
  private readonly buried = new Set<bigint>();
  private burialImpossible: LogError | undefined;

  constructor(private readonly options: BatchWorkerOptions) {
    this.ladder = new RetryLadder(options.maxAttempts);
  }

  /**
   * Returns the wait before what is left should be fetched again, where a handler failed.
   *
   * @throws LogError `CONSUMER_CRASHED` where a record can be neither handled nor put aside
   */
  async work(fetched: RecordBatch, context: WorkContext): Promise<number | undefined> {
    let start = 0;
    while (start < fetched.records.length && !context.shouldStop()) {
      const chunk = this.chunk(fetched, start);
      const failure = await this.hand(chunk, context);
      if (!failure) {
        await this.pass(chunk, context);
        start += chunk.records.length;
        continue;
      }
      // Whoever is told to stop may say so by throwing.
      if (context.signal.aborted) return undefined;
      const alone = this.ladder.isAlone(firstOffset(chunk));
      const step = this.ladder.failed({
        nextOffset: chunk.nextOffset,
        alone,
        retryable: isRetryable(failure),
      });
      switch (step.kind) {
        case 'again':
          return this.waitBeforeRetry(chunk, failure, step.failures);
        case 'one-by-one':
          break;
        case 'give-up':
          if (!(await this.buryAll(chunk, { reason: failure, attempts: step.attempts, context })))
            return undefined;
          await this.pass(chunk, context);
          start += chunk.records.length;
      }
    }
    return undefined;
  }

  /** Returns whether all of it is on the dead-letter topic; where it is not, the consumer was told to stop. */
  private async buryAll(chunk: RecordBatch, burial: Omit<Burial, 'chunk' | 'record'>): Promise<boolean> {
    try {
      for (const record of chunk.records) await this.bury({ ...burial, chunk, record });
      return true;
    } catch (error) {
      if (burial.context.signal.aborted && error instanceof LogError && error.retryable) return false;
      throw error;
    }
  }

  private chunk(fetched: RecordBatch, start: number): RecordBatch {
    const first = fetched.records[start];
    const alone = first !== undefined && this.ladder.isAlone(first.offset);
    const records = fetched.records.slice(start, start + (alone ? 1 : this.options.maxBatchRecords));
    const isLast = start + records.length === fetched.records.length;
    const last = records.at(-1);
    return { ...fetched, records, nextOffset: isLast || !last ? fetched.nextOffset : last.offset + 1n };
  }

  private async hand(chunk: RecordBatch, context: WorkContext): Promise<Error | undefined> {
    const batchContext: BatchContext = {
      signal: context.signal,
      heartbeat: () => context.heartbeat(),
      deadLetter: (record, reason) => this.bury({ chunk, record, reason, attempts: 1, context }),
    };
    let failure: Error | undefined;
    try {
      await this.options.handler(chunk, batchContext);
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
    }
    // Even where the handler made nothing of it: the record would be lost.
    if (this.burialImpossible) throw this.burialImpossible;
    return failure;
  }

  private async pass(chunk: RecordBatch, context: WorkContext): Promise<void> {
    this.ladder.passed(chunk.nextOffset);
    await context.passed(chunk.nextOffset);
    for (const offset of this.buried) if (offset < chunk.nextOffset) this.buried.delete(offset);
  }

  private waitBeforeRetry(chunk: RecordBatch, failure: Error, failures: number): number {
    const { logger, retryBackoffMs } = this.options;
    const waitMs = withJitter(backoffMs(failures - 1, { firstMs: retryBackoffMs, maxMs: MAX_RETRY_WAIT_MS }));
    const { topic, partition, records } = chunk;
    logger.warn(
      {
        err: failure,
        topic,
        partition,
        offset: String(firstOffset(chunk)),
        records: records.length,
        failures,
        waitMs: Math.round(waitMs),
      },
      'a batch failed, it comes again',
    );
    return waitMs;
  }

  private async bury({ chunk, record, reason, attempts, context }: Burial): Promise<void> {
    if (this.buried.has(record.offset)) return;
    const { topic, partition } = chunk;
    try {
      await this.writeDeadLetter({ topic, partition, record, reason, attempts }, context.signal);
    } catch (error) {
      if (error instanceof LogError && !error.retryable) this.burialImpossible = error;
      throw error;
    }
    this.buried.add(record.offset);
  }

  private async writeDeadLetter(letter: Omit<DeadLetter, 'groupId'>, signal: AbortSignal): Promise<void> {
    const { deadLetters, groupId } = this.options;
    if (deadLetters) return deadLetters.write({ ...letter, groupId }, signal);
    const { topic, partition, record, reason } = letter;
    const where = `offset ${record.offset} of ${topic}/${partition}`;
    const message = `cannot handle ${where}, and there is no dead-letter topic: ${reason.message}`;
    throw new LogError('CONSUMER_CRASHED', message, false, { cause: reason });
  }
}

interface Burial {
  readonly chunk: RecordBatch;
  readonly record: LogRecord;
  readonly reason: Error;
  readonly attempts: number;
  readonly context: WorkContext;
}

function firstOffset({ records, nextOffset }: RecordBatch): bigint {
  return records[0]?.offset ?? nextOffset;
}
