import { backoffMs, withJitter } from '@hailstream/service/backoff';
import type { Logger } from 'pino';
import type { DeadLetterQueue, DeadLetterRecord } from '../dead-letter/dead-letter.js';
import type { LogRecord } from '../record/record.js';
import { isRetryable, LogError } from '../core/errors.js';
import type { BatchContext, BatchHandler, RecordBatch } from './consumer.js';
import { RetryPolicy } from './retry-policy.js';

const MAX_RETRY_WAIT_MS = 30_000;

interface BatchWorkerOptions {
  readonly handler: BatchHandler;
  readonly groupId: string;
  readonly maxAttempts: number;
  readonly retryBackoffMs: number;
  readonly maxBatchRecords: number;
  /** Without one, a record that cannot be handled ends the consumer. */
  readonly deadLetters: Pick<DeadLetterQueue, 'write'> | undefined;
  readonly logger: Logger;
}

/** What a worker needs from the session that fetched the records. */
export interface WorkContext {
  readonly signal: AbortSignal;
  heartbeat(): Promise<void>;
  /** Moves the position to `nextOffset`, and commits it if the group stores positions. */
  advance(nextOffset: bigint): Promise<void>;
  /** Whether to stop before the next records. */
  shouldStop(): boolean;
}

/** Passes the records of one partition to the handler in batches, and retries or rejects those that fail. */
export class BatchWorker {
  private readonly retryPolicy: RetryPolicy;
  /** Timestamps, by offset, of the records from the position on that are on the dead-letter topic already. */
  private readonly deadLettered = new Map<bigint, number>();
  private deadLetterFailure: LogError | undefined;

  constructor(private readonly options: BatchWorkerOptions) {
    this.retryPolicy = new RetryPolicy(options.maxAttempts);
  }

  /**
   * Returns how long to wait before the remaining records are fetched again, if a handler failed.
   *
   * @throws LogError `CONSUMER_CRASHED` if a record can be neither handled nor written to the dead-letter topic
   */
  async work(fetched: RecordBatch, context: WorkContext): Promise<number | undefined> {
    let start = 0;
    while (start < fetched.records.length && !context.shouldStop()) {
      const batch = this.nextBatch(fetched, start);
      const failure = await this.handle(batch, context);
      if (!failure) {
        await this.advance(batch, context);
        start += batch.records.length;
        continue;
      }
      // A handler may throw after its signal was aborted.
      if (context.signal.aborted) return undefined;
      const decision = this.retryPolicy.failed({
        nextOffset: batch.nextOffset,
        isIndividual: this.retryPolicy.isIndividual(firstOffset(batch)),
        retryable: isRetryable(failure),
      });
      switch (decision.kind) {
        case 'retry':
          return this.retryAfter(batch, failure, decision.failures);
        case 'retry-individually':
          break;
        case 'reject':
          if (!(await this.deadLetterAll(batch, { reason: failure, attempts: decision.attempts, context })))
            return undefined;
          await this.advance(batch, context);
          start += batch.records.length;
      }
    }
    return undefined;
  }

  /** Returns false if the consumer was stopped before all of them were written. */
  private async deadLetterAll(
    batch: RecordBatch,
    rejection: Omit<Rejection, 'batch' | 'record'>,
  ): Promise<boolean> {
    try {
      for (const record of batch.records) await this.deadLetter({ ...rejection, batch, record });
      return true;
    } catch (error) {
      if (rejection.context.signal.aborted && error instanceof LogError && error.retryable) return false;
      throw error;
    }
  }

  private nextBatch(fetched: RecordBatch, start: number): RecordBatch {
    const first = fetched.records[start];
    const isIndividual = first !== undefined && this.retryPolicy.isIndividual(first.offset);
    const records = fetched.records.slice(start, start + (isIndividual ? 1 : this.options.maxBatchRecords));
    const isLast = start + records.length === fetched.records.length;
    const last = records.at(-1);
    return { ...fetched, records, nextOffset: isLast || !last ? fetched.nextOffset : last.offset + 1n };
  }

  private async handle(batch: RecordBatch, context: WorkContext): Promise<Error | undefined> {
    const batchContext: BatchContext = {
      signal: context.signal,
      heartbeat: () => context.heartbeat(),
      deadLetter: (record, reason) => this.deadLetter({ batch, record, reason, attempts: 1, context }),
    };
    let failure: Error | undefined;
    try {
      await this.options.handler(batch, batchContext);
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
    }
    // A handler that ignores the error would lose the record.
    if (this.deadLetterFailure) throw this.deadLetterFailure;
    return failure;
  }

  private async advance(batch: RecordBatch, context: WorkContext): Promise<void> {
    this.retryPolicy.succeeded(batch.nextOffset);
    await context.advance(batch.nextOffset);
    for (const offset of this.deadLettered.keys())
      if (offset < batch.nextOffset) this.deadLettered.delete(offset);
  }

  private retryAfter(batch: RecordBatch, failure: Error, failures: number): number {
    const { logger, retryBackoffMs } = this.options;
    const waitMs = withJitter(backoffMs(failures - 1, { firstMs: retryBackoffMs, maxMs: MAX_RETRY_WAIT_MS }));
    const { topic, partition, records } = batch;
    logger.warn(
      {
        err: failure,
        topic,
        partition,
        offset: String(firstOffset(batch)),
        records: records.length,
        failures,
        waitMs: Math.round(waitMs),
      },
      'batch failed, will retry',
    );
    return waitMs;
  }

  private async deadLetter({ batch, record, reason, attempts, context }: Rejection): Promise<void> {
    // A recreated topic may have another record at the same offset.
    if (this.deadLettered.get(record.offset) === record.timestampMs) return;
    const { topic, partition } = batch;
    try {
      await this.writeDeadLetter({ topic, partition, record, reason, attempts }, context.signal);
    } catch (error) {
      if (error instanceof LogError && !error.retryable) this.deadLetterFailure = error;
      throw error;
    }
    this.deadLettered.set(record.offset, record.timestampMs);
  }

  private async writeDeadLetter(
    letter: Omit<DeadLetterRecord, 'kind' | 'groupId'>,
    signal: AbortSignal,
  ): Promise<void> {
    const { deadLetters, groupId } = this.options;
    if (deadLetters) return deadLetters.write([{ kind: 'record', ...letter, groupId }], { signal });
    const { topic, partition, record, reason } = letter;
    const message = `cannot handle offset ${record.offset} of ${topic}/${partition}, and no dead-letter topic is set: ${reason.message}`;
    throw new LogError('CONSUMER_CRASHED', message, false, { cause: reason });
  }
}

interface Rejection {
  readonly batch: RecordBatch;
  readonly record: LogRecord;
  readonly reason: Error;
  readonly attempts: number;
  readonly context: WorkContext;
}

function firstOffset({ records, nextOffset }: RecordBatch): bigint {
  return records[0]?.offset ?? nextOffset;
}
