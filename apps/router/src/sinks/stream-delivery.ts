import { deadLetterTopic } from '@hailstream/events';
import {
  createBatchConsumer,
  type BatchConsumer,
  type BatchContext,
  type LogConnection,
  type RecordBatch,
  type TopicPartition,
} from '@hailstream/log';
import type { Logger } from '@hailstream/service/logging';
import type { JobSpec } from '../router-file/router-file.js';
import type { BatchSink, RefusedRecord, RoutedRecord } from './batch-sink.js';
import type { Delivery, DeliveryCounts, DeliveryObserver } from './delivery.js';
import { parseEvent } from './event.js';
import { Semaphore } from './semaphore.js';

interface StreamDeliveryOptions {
  readonly spec: JobSpec;
  readonly groupId: string;
  readonly connection: LogConnection;
  readonly logger: Logger;
  readonly observer: DeliveryObserver;
}

/** The consumer reads the batch again. Whatever the sink's error is, its records are not dead letters. */
class RedeliveryError extends Error {
  override readonly name = 'RedeliveryError';
  readonly retryable = true;
}

/**
 * Delivers the batches that a consumer group reads. The position is committed after each batch, so records are delivered at
 * least once, and those of a partition in order.
 */
export class StreamDelivery implements Delivery {
  private readonly consumer: BatchConsumer;
  private readonly semaphore: Semaphore;
  private readonly failing = new Map<string, TopicPartition>();
  private isPaused = false;

  constructor(
    private readonly options: StreamDeliveryOptions,
    private readonly sink: BatchSink,
  ) {
    const { spec, groupId, connection, logger, observer } = options;
    this.semaphore = new Semaphore(spec.concurrency);
    this.consumer = createBatchConsumer({
      connection,
      logger,
      groupId,
      topics: spec.topics,
      offsets: { kind: 'committed', startAt: 'earliest' },
      deadLetterTopic: deadLetterTopic.name,
      maxBatchRecords: spec.batching.records,
      maxPartitionBytes: spec.batching.sizeBytes,
      handler: (batch, context) => this.semaphore.run(() => this.handle(batch, context)),
      onGap: (gap) => observer.gap(gap),
    });
    this.consumer.onAssignment((assigned) => this.assign(assigned));
  }

  get assignedPartitions(): number {
    return this.consumer.assignment().length;
  }

  async start(): Promise<void> {
    await this.sink.check();
    await this.consumer.start();
  }

  pause(): void {
    this.isPaused = true;
    this.consumer.pause(this.consumer.assignment());
  }

  resume(): void {
    this.isPaused = false;
    this.consumer.resume(this.consumer.assignment());
  }

  lagRecords(): bigint {
    return this.consumer.lagRecords();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.consumer[Symbol.asyncDispose]();
    await this.sink[Symbol.asyncDispose]();
  }

  private assign(assigned: readonly TopicPartition[]): void {
    // A partition may have been paused or resumed while another process had it.
    if (this.isPaused) this.consumer.pause(assigned);
    else this.consumer.resume(assigned);
    const places = new Set(assigned.map(placeOf));
    for (const [place, partition] of this.failing) if (!places.has(place)) this.recovered(partition);
  }

  private async handle(batch: RecordBatch, context: BatchContext): Promise<void> {
    const { topic, partition } = batch;
    context.signal.throwIfAborted();
    let counts: DeliveryCounts;
    try {
      counts = await this.deliver(batch, context);
    } catch (error) {
      if (context.signal.aborted) throw error;
      this.failing.set(placeOf(batch), { topic, partition });
      this.options.observer.failed({ topic, partition }, error as Error);
      throw new RedeliveryError((error as Error).message, { cause: error });
    }
    this.options.observer.delivered({ topic, partition }, counts);
    this.recovered({ topic, partition });
  }

  private async deliver(batch: RecordBatch, context: BatchContext): Promise<DeliveryCounts> {
    const { topic, partition } = batch;
    const readable: RoutedRecord[] = [];
    const refused: RefusedRecord[] = [];
    for (const record of batch.records) {
      try {
        readable.push({ record, event: parseEvent(record.value) });
      } catch (reason) {
        refused.push({ record, reason: reason as Error });
      }
    }
    const records = readable.filter(({ event }) => this.options.spec.matches(event));
    if (records.length > 0)
      refused.push(...(await this.sink.deliver({ topic, partition, records }, context.signal)));
    for (const { record, reason } of refused) await context.deadLetter(record, reason);
    const filtered = readable.length - records.length;
    const deadLettered = refused.length;
    const delivered = batch.records.length - filtered - deadLettered;
    return { records: batch.records.length, delivered, filtered, deadLettered };
  }

  private recovered(partition: TopicPartition): void {
    if (this.failing.delete(placeOf(partition))) this.options.observer.recovered(partition);
  }
}

function placeOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
