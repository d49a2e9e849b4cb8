import { backoffMs, withJitter } from '@hailstream/service/backoff';
import type { Logger } from 'pino';
import type { DeadLetterWriter } from '../dead-letter/dead-letter.js';
import type { FetchedPartition } from '../kafkajs/fetch.js';
import { readRecordSet, type RecordSetStep, type UndecodableRecords } from '../record/record-set.js';
import type { TopicPartition } from '../record/topic-partition.js';
import { LogError } from '../shared/errors.js';
import { isRetryable, type BatchWorker, type WorkContext } from './batch-worker.js';
import type { ConsumerGap, ConsumerOptions } from './consumer.js';

const MAX_RETRY_WAIT_MS = 30_000;
/** A batch may have been damaged on its way: so often it is fetched again before it is given up. */
const DAMAGED_FETCHES = 3;

export interface PartitionReaderOptions extends Pick<
  ConsumerOptions,
  'onPosition' | 'onGap' | 'onUndecodable'
> {
  readonly partition: TopicPartition;
  readonly groupId: string;
  readonly worker: BatchWorker;
  readonly maxBatchRecords: number;
  readonly maxAttempts: number;
  readonly retryBackoffMs: number;
  readonly deadLetters: DeadLetterWriter | undefined;
  /** Whether offsets may be missing in the topic. */
  readonly isCompacted: CompactionKnowledge;
  /** Where to go on if the log does not have a position. */
  readonly reposition: (
    position: TopicPartition & { readonly offset: bigint },
  ) => Promise<{ readonly offset: bigint; readonly gap: ConsumerGap | undefined }>;
  readonly logger: Logger;
}

/** What is known of a topic's compaction. */
export interface CompactionKnowledge {
  /** `undefined` until it was asked for. */
  readonly known: boolean | undefined;
  ask(): Promise<boolean>;
}

/** Takes what was fetched of one partition step by step: records to the handler, and whatever else to whom it concerns. */
export class PartitionReader {
  /** Calls in a row that failed, of those that are no handler's. */
  private failures = 0;
  private damaged = { baseOffset: -1n, fetches: 0 };

  constructor(private readonly options: PartitionReaderOptions) {}

  /**
   * Returns the wait before what is left should be fetched again, if something failed.
   *
   * @throws LogError `CONSUMER_CRASHED` if something can be neither handled nor put aside
   */
  async read(fetched: FetchedPartition, context: WorkContext): Promise<number | undefined> {
    const { partition, maxBatchRecords, isCompacted } = this.options;
    if (fetched.isOutOfRange) return this.attempt(() => this.reposition(fetched.position, context));
    const steps = readRecordSet(fetched, {
      position: fetched.position,
      highWatermark: fetched.highWatermark,
      maxRecords: maxBatchRecords,
      expectsGaps: () => isCompacted.known === true,
    });
    for (const step of steps) {
      if (context.shouldStop()) return undefined;
      const restMs =
        step.kind === 'records'
          ? await this.options.worker.work(
              { ...partition, ...step, highWatermark: fetched.lastStableOffset },
              context,
            )
          : await this.attempt(() => this.takeStep(step, fetched, context));
      if (restMs !== undefined) return restMs;
    }
    return undefined;
  }

  private async takeStep(
    step: Exclude<RecordSetStep, { kind: 'records' }>,
    fetched: FetchedPartition,
    context: WorkContext,
  ): Promise<number | undefined> {
    switch (step.kind) {
      case 'passed':
        return this.pass(step.nextOffset, context);
      case 'gap':
        return this.takeGap(step, fetched, context);
      case 'undecodable':
        return this.setAside(step.batch, context);
    }
  }

  private async takeGap(
    { expected, found }: { readonly expected: bigint; readonly found: bigint },
    { logStartOffset }: FetchedPartition,
    context: WorkContext,
  ): Promise<undefined> {
    if (await this.options.isCompacted.ask()) return undefined;
    const cause = logStartOffset > expected ? 'log-start' : 'unexplained';
    await reportGap({ ...this.options.partition, expected, found, cause }, this.options);
    return this.pass(found, context);
  }

  private async reposition(position: bigint, context: WorkContext): Promise<number | undefined> {
    const { partition } = this.options;
    const { offset, gap } = await this.options.reposition({ ...partition, offset: position });
    if (!gap) return this.restMs(1);
    await reportGap(gap, this.options);
    if (offset > position) return this.pass(offset, context);
    await context.passed(offset);
    return undefined;
  }

  private async setAside(batch: UndecodableRecords, context: WorkContext): Promise<number | undefined> {
    const { partition, onUndecodable, deadLetters, groupId, logger } = this.options;
    const { baseOffset, lastOffset, reason, sha256 } = batch;
    if (reason.code === 'DAMAGED' && this.mayHeal(baseOffset)) return this.restMs(this.damaged.fetches);
    const offsets = { baseOffset: String(baseOffset), lastOffset: String(lastOffset) };
    logger.error({ ...partition, ...offsets, sha256, err: reason }, 'a batch cannot be decoded');
    if (onUndecodable) await onUndecodable({ ...partition, ...batch });
    else if (deadLetters) await deadLetters.writeBatch({ ...partition, ...batch, groupId }, context.signal);
    else {
      const where = `offsets ${baseOffset} to ${lastOffset} of ${partition.topic}/${partition.partition}`;
      const message = `cannot decode ${where}, and there is no dead-letter topic: ${reason.message}`;
      throw new LogError('CONSUMER_CRASHED', message, false, { cause: reason });
    }
    return this.pass(lastOffset + 1n, context);
  }

  private mayHeal(baseOffset: bigint): boolean {
    const isSame = this.damaged.baseOffset === baseOffset;
    this.damaged = { baseOffset, fetches: isSame ? this.damaged.fetches + 1 : 1 };
    return this.damaged.fetches < DAMAGED_FETCHES;
  }

  private async pass(nextOffset: bigint, context: WorkContext): Promise<undefined> {
    await this.options.onPosition?.({ ...this.options.partition, nextOffset });
    await context.passed(nextOffset);
    return undefined;
  }

  /** A failure that says that something else is down is repeated until it is over; others up to `maxAttempts` times. */
  private async attempt(step: () => Promise<number | undefined>): Promise<number | undefined> {
    const { logger, partition, maxAttempts } = this.options;
    try {
      const restMs = await step();
      this.failures = 0;
      return restMs;
    } catch (error) {
      if (error instanceof LogError && !error.retryable) throw error;
      this.failures += 1;
      if (!isRetryable(error) && this.failures >= maxAttempts) {
        const message = `cannot pass a position of ${partition.topic}/${partition.partition}: ${String(error)}`;
        throw new LogError('CONSUMER_CRASHED', message, false, { cause: error });
      }
      const waitMs = this.restMs(this.failures);
      logger.warn(
        { err: error, ...partition, waitMs: Math.round(waitMs) },
        'a position could not be passed, will retry',
      );
      return waitMs;
    }
  }

  private restMs(failures: number): number {
    const { retryBackoffMs } = this.options;
    return withJitter(backoffMs(failures - 1, { firstMs: retryBackoffMs, maxMs: MAX_RETRY_WAIT_MS }));
  }
}

const GAP_MESSAGES: Readonly<Record<ConsumerGap['cause'], string>> = {
  'log-start': 'records were deleted from the log before they were read',
  'log-end': 'the log ends before the position: it lost its end or is another log',
  unexplained: 'the broker left out offsets of a topic that is not compacted',
};

/** Tells of offsets that will never be read. */
export async function reportGap(
  gap: ConsumerGap,
  { logger, onGap }: Pick<PartitionReaderOptions, 'logger' | 'onGap'>,
): Promise<void> {
  const { topic, partition, expected, found, cause } = gap;
  logger.error(
    { topic, partition, expected: String(expected), found: String(found), cause },
    GAP_MESSAGES[cause],
  );
  await onGap?.(gap);
}
