import { backoffMs, withJitter } from '@hailstream/service/backoff';
import type { Logger } from 'pino';
import type { DeadLetterQueue } from '../dead-letter/dead-letter.js';
import type { FetchedPartition } from '../kafkajs/fetch.js';
import { readRecordSet, type RecordSetStep, type UndecodableRecords } from '../record/record-set.js';
import type { TopicPartition } from '../../protocol/topic-partition.js';
import { isRetryable, LogError } from '../core/errors.js';
import type { BatchWorker, WorkContext } from './batch-worker.js';
import type { ConsumerOptions } from './consumer.js';
import { reportGap } from './gaps.js';
import type { ValidPosition } from './start-positions.js';
import type { CompactionStatus } from './topic-compaction.js';

const MAX_RETRY_WAIT_MS = 30_000;
/** How often a batch is fetched before it counts as damaged in the log rather than in transit. */
const DAMAGED_FETCHES = 3;

export interface PartitionReaderOptions extends Pick<
  ConsumerOptions,
  'onPosition' | 'onGap' | 'onUndecodable'
> {
  readonly partition: TopicPartition;
  readonly groupId: string;
  readonly worker: Pick<BatchWorker, 'work'>;
  readonly maxBatchRecords: number;
  readonly maxAttempts: number;
  readonly retryBackoffMs: number;
  readonly deadLetters: Pick<DeadLetterQueue, 'write'> | undefined;
  /** Whether offsets may be missing in the topic. */
  readonly compaction: CompactionStatus;
  /** Where to continue if the log does not have a position. */
  readonly reposition: (position: TopicPartition & { readonly offset: bigint }) => Promise<ValidPosition>;
  readonly logger: Logger;
}

/** Processes what was fetched from one partition: records, markers, gaps, undecodable batches, positions out of range. */
export class PartitionReader {
  /** Consecutive failures outside the handler. */
  private failures = 0;
  private damaged = { baseOffset: -1n, fetches: 0 };

  constructor(private readonly options: PartitionReaderOptions) {}

  /**
   * Returns how long to wait before the remaining bytes are fetched again, if something failed.
   *
   * @throws LogError `CONSUMER_CRASHED` if something can be neither handled nor written to the dead-letter topic
   */
  async read(fetched: FetchedPartition, context: WorkContext): Promise<number | undefined> {
    const { partition, maxBatchRecords, compaction } = this.options;
    if (fetched.isOutOfRange) return this.attempt(() => this.reposition(fetched.position, context));
    const steps = readRecordSet(fetched, {
      position: fetched.position,
      highWatermark: fetched.highWatermark,
      maxRecords: maxBatchRecords,
      expectsGaps: () => compaction.known === true,
    });
    for (const step of steps) {
      if (context.shouldStop()) return undefined;
      const waitMs =
        step.kind === 'records'
          ? await this.options.worker.work(
              { ...partition, ...step, highWatermark: fetched.lastStableOffset },
              context,
            )
          : await this.attempt(() => this.handleStep(step, fetched, context));
      if (waitMs !== undefined) return waitMs;
    }
    return undefined;
  }

  private async handleStep(
    step: Exclude<RecordSetStep, { kind: 'records' }>,
    fetched: FetchedPartition,
    context: WorkContext,
  ): Promise<number | undefined> {
    switch (step.kind) {
      case 'passed':
        return this.advance(step.nextOffset, context);
      case 'gap':
        return this.handleGap(step, fetched, context);
      case 'undecodable':
        return this.handleUndecodable(step.batch, context);
    }
  }

  private async handleGap(
    { expected, found }: { readonly expected: bigint; readonly found: bigint },
    { logStartOffset }: FetchedPartition,
    context: WorkContext,
  ): Promise<undefined> {
    if (await this.options.compaction.ask()) return undefined;
    const cause = logStartOffset > expected ? 'log-start' : 'unexplained';
    await reportGap({ ...this.options.partition, expected, found, cause }, this.options);
    return this.advance(found, context);
  }

  private async reposition(position: bigint, context: WorkContext): Promise<number | undefined> {
    const { partition } = this.options;
    const { offset, gap } = await this.options.reposition({ ...partition, offset: position });
    if (!gap) return this.retryAfterMs(1);
    await reportGap(gap, this.options);
    if (offset > position) return this.advance(offset, context);
    await context.advance(offset);
    return undefined;
  }

  private async handleUndecodable(
    batch: UndecodableRecords,
    context: WorkContext,
  ): Promise<number | undefined> {
    const { partition, onUndecodable, deadLetters, groupId, logger } = this.options;
    const { baseOffset, lastOffset, reason, sha256 } = batch;
    if (reason.code === 'DAMAGED' && this.shouldFetchAgain(baseOffset))
      return this.retryAfterMs(this.damaged.fetches);
    const offsets = { baseOffset: String(baseOffset), lastOffset: String(lastOffset) };
    logger.error({ ...partition, ...offsets, sha256, err: reason }, 'batch cannot be decoded');
    if (onUndecodable) await onUndecodable({ ...partition, ...batch }, context.signal);
    else if (deadLetters)
      await deadLetters.write([{ kind: 'batch', ...partition, ...batch, groupId }], {
        signal: context.signal,
      });
    else {
      const message = `cannot decode offsets ${baseOffset} to ${lastOffset} of ${partition.topic}/${partition.partition}, and no dead-letter topic is set: ${reason.message}`;
      throw new LogError('CONSUMER_CRASHED', message, false, { cause: reason });
    }
    return this.advance(lastOffset + 1n, context);
  }

  private shouldFetchAgain(baseOffset: bigint): boolean {
    const isSame = this.damaged.baseOffset === baseOffset;
    this.damaged = { baseOffset, fetches: isSame ? this.damaged.fetches + 1 : 1 };
    return this.damaged.fetches < DAMAGED_FETCHES;
  }

  private async advance(nextOffset: bigint, context: WorkContext): Promise<undefined> {
    await this.options.onPosition?.({ ...this.options.partition, nextOffset });
    await context.advance(nextOffset);
    return undefined;
  }

  /** Retries a retryable failure until it succeeds, others up to `maxAttempts` times. */
  private async attempt(step: () => Promise<number | undefined>): Promise<number | undefined> {
    const { logger, partition, maxAttempts } = this.options;
    try {
      const waitMs = await step();
      this.failures = 0;
      return waitMs;
    } catch (error) {
      if (error instanceof LogError && !error.retryable) throw error;
      this.failures += 1;
      if (!isRetryable(error) && this.failures >= maxAttempts) {
        const message = `cannot advance the position of ${partition.topic}/${partition.partition}: ${String(error)}`;
        throw new LogError('CONSUMER_CRASHED', message, false, { cause: error });
      }
      const waitMs = this.retryAfterMs(this.failures);
      logger.warn(
        { err: error, ...partition, waitMs: Math.round(waitMs) },
        'cannot advance the position, will retry',
      );
      return waitMs;
    }
  }

  private retryAfterMs(failures: number): number {
    const { retryBackoffMs } = this.options;
    return withJitter(backoffMs(failures - 1, { firstMs: retryBackoffMs, maxMs: MAX_RETRY_WAIT_MS }));
  }
}
