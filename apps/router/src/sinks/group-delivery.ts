import {
  deadLetterTopic,
  decodeValue,
  erasureTopic,
  erasureValidator,
  EventDecodeError,
  type ErasureRecord,
} from '@hailstream/events';
import {
  createBatchConsumer,
  createDeadLetterQueue,
  isRedrivenForAnother,
  partitionName,
  type BatchConsumer,
  type BatchContext,
  type ConsumerPosition,
  type DeadLetterQueue,
  type LogConnection,
  type LogRecord,
  type RecordBatch,
  type TopicPartition,
  type UndecodableBatch,
} from '@hailstream/log';
import type { Logger } from '@hailstream/service/logging';
import type { Erasures } from '../erasures/erasures.js';
import { subscribedTopics, type JobSpec } from '../router-file/router-file.js';
import type { Delivery, DeliveryCounts, DeliveryObserver } from './delivery.js';
import { Semaphore } from './semaphore.js';
import { SinkOutage } from './sink-outage.js';

export interface GroupDeliveryOptions {
  readonly spec: JobSpec;
  readonly groupId: string;
  readonly connection: LogConnection;
  readonly logger: Logger;
  readonly observer: DeliveryObserver;
  /** Limits the batches that are delivered at the same time. Several deliveries of a job share it. */
  readonly semaphore: Semaphore;
  /** Riders and devices whose events are not delivered. @default none */
  readonly erasures?: Erasures;
}

/** Records of the erasure topic that are erasures. */
export interface ErasureBatch extends RecordBatch {
  /** Of each record. */
  readonly erasures: readonly ErasureRecord[];
}

/** Receives the batches of a consumer group: those of a partition in order, partitions concurrently. */
export interface GroupSink extends AsyncDisposable {
  /** @throws SinkError if the sink cannot be reached or is not set up */
  check(): Promise<void>;
  /** Delivers a batch, which may have no records. After an error it is delivered again. */
  deliver(batch: RecordBatch, context: BatchContext): Promise<DeliveryCounts>;
  /**
   * Receives the erasures of a batch, which may have none: removes what it has of the ids, or passes them on. Their events are not
   * delivered any more. After an error it is repeated.
   */
  erase(batch: ErasureBatch, context: BatchContext): Promise<void>;
  /** Called when the position moves past offsets without records. Repeated after an error. */
  skip?(position: ConsumerPosition): Promise<void>;
  /** Called after a rebalance with the partitions of this process. */
  assigned?(partitions: readonly TopicPartition[]): void;
}

/** Makes the consumer read the batch again, whether or not the sink's error is retryable. */
class RedeliveryError extends Error {
  override readonly name = 'RedeliveryError';
  readonly retryable = true;
}

/**
 * Delivers the batches that a consumer group reads. The position is committed after each batch. While the sink is down, nothing
 * is read. Records that were redriven for another group count as filtered: the sink has received them from their original
 * offsets.
 */
export class GroupDelivery implements Delivery {
  private readonly consumer: BatchConsumer;
  private readonly deadLetters: DeadLetterQueue;
  private readonly outage: SinkOutage;
  private readonly failing = new Map<string, TopicPartition>();
  private isPaused = false;

  constructor(
    private readonly options: GroupDeliveryOptions,
    private readonly sink: GroupSink,
  ) {
    const { spec, groupId, connection, logger, observer, semaphore } = options;
    this.deadLetters = createDeadLetterQueue({ connection, logger, topic: deadLetterTopic.name });
    this.consumer = createBatchConsumer({
      connection,
      logger,
      groupId,
      topics: subscribedTopics(spec),
      offsets: { kind: 'committed', startAt: 'earliest' },
      deadLetterTopic: deadLetterTopic.name,
      maxBatchRecords: spec.batching.records,
      maxPartitionBytes: spec.batching.sizeBytes,
      limit: semaphore,
      handler: (batch, context) => this.handle(batch, context),
      onPosition: (position) => this.skip(position),
      onUndecodable: (batch, signal) => this.deadLetter(batch, signal),
      onGap: (gap) => observer.gap(gap),
    });
    this.consumer.onAssignment((assigned) => this.assign(assigned));
    this.outage = new SinkOutage({
      check: () => sink.check(),
      onDown: () => this.applyPause(this.consumer.assignment()),
      onUp: () => this.applyPause(this.consumer.assignment()),
      onFailed: (error) => this.checkFailed(error),
    });
  }

  get ended(): Promise<void> {
    return this.consumer.ended;
  }

  get assignedPartitions(): number {
    return this.consumer.assignment().length;
  }

  async start(): Promise<void> {
    await this.options.erasures?.ready();
    await this.sink.check();
    await this.consumer.start();
  }

  pause(): void {
    this.isPaused = true;
    this.applyPause(this.consumer.assignment());
  }

  resume(): void {
    this.isPaused = false;
    this.applyPause(this.consumer.assignment());
  }

  lagRecords(): bigint {
    return this.consumer.lagRecords();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.outage[Symbol.dispose]();
    await this.consumer[Symbol.asyncDispose]();
    await this.deadLetters[Symbol.asyncDispose]();
    await this.sink[Symbol.asyncDispose]();
  }

  private assign(assigned: readonly TopicPartition[]): void {
    // A partition may have been paused or resumed while another process had it.
    this.applyPause(assigned);
    const places = new Set(assigned.map(placeOf));
    for (const [place, partition] of this.failing) if (!places.has(place)) this.recovered(partition);
    this.sink.assigned?.(assigned);
  }

  private applyPause(partitions: readonly TopicPartition[]): void {
    if (this.isPaused || this.outage.isDown) this.consumer.pause(partitions);
    else this.consumer.resume(partitions);
  }

  /** A partition that has failed stays failed until a delivery succeeds. */
  private checkFailed(error: Error): void {
    const [partition] = this.failing.values();
    if (partition) this.options.observer.failed(partition, error);
  }

  private async handle(batch: RecordBatch, context: BatchContext): Promise<void> {
    const { topic, partition } = batch;
    // A batch that was read before the sink was known to be down waits: a failure would make its partition wait longer.
    await this.outage.untilUp(context.signal);
    context.signal.throwIfAborted();
    let counts: DeliveryCounts;
    try {
      counts = await this.deliver(batch, context);
    } catch (error) {
      if (context.signal.aborted) throw error;
      throw this.failed({ topic, partition }, error as Error);
    }
    this.outage.succeeded();
    this.options.observer.delivered({ topic, partition }, counts);
    this.recovered({ topic, partition });
  }

  private async deliver(batch: RecordBatch, context: BatchContext): Promise<DeliveryCounts> {
    const { groupId, erasures } = this.options;
    if (batch.topic === erasureTopic.name) return this.deliverErasures(batch, context);
    const records = batch.records.filter(
      (record) =>
        !isRedrivenForAnother(record, groupId) && !(erasures?.coverRecord(batch.topic, record) ?? false),
    );
    const counts = await this.sink.deliver({ ...batch, records }, context);
    const skipped = batch.records.length - records.length;
    return { ...counts, records: counts.records + skipped, filtered: counts.filtered + skipped };
  }

  private async deliverErasures(batch: RecordBatch, context: BatchContext): Promise<DeliveryCounts> {
    const records: LogRecord[] = [];
    const erasures: ErasureRecord[] = [];
    let deadLettered = 0;
    for (const record of batch.records) {
      if (isRedrivenForAnother(record, this.options.groupId)) continue;
      try {
        erasures.push(decodeValue(erasureValidator, record.value));
        records.push(record);
      } catch (error) {
        if (!(error instanceof EventDecodeError)) throw error;
        await context.deadLetter(record, error);
        deadLettered += 1;
      }
    }
    this.options.erasures?.add(erasures);
    await this.sink.erase({ ...batch, records, erasures }, context);
    const filtered = batch.records.length - records.length - deadLettered;
    return { records: batch.records.length, delivered: records.length, filtered, deadLettered };
  }

  private async skip(position: ConsumerPosition): Promise<void> {
    const { topic, partition } = position;
    try {
      await this.sink.skip?.(position);
    } catch (error) {
      throw this.failed({ topic, partition }, error as Error);
    }
    this.recovered({ topic, partition });
  }

  private async deadLetter(batch: UndecodableBatch, signal: AbortSignal): Promise<void> {
    const { groupId, observer } = this.options;
    await this.deadLetters.write([{ kind: 'batch', ...batch, groupId }], { signal });
    observer.delivered(batch, { records: 1, delivered: 0, filtered: 0, deadLettered: 1 });
  }

  private failed(partition: TopicPartition, error: Error): RedeliveryError {
    this.failing.set(placeOf(partition), partition);
    this.outage.failed();
    this.options.observer.failed(partition, error);
    return new RedeliveryError(error.message, { cause: error });
  }

  private recovered(partition: TopicPartition): void {
    if (this.failing.delete(placeOf(partition))) this.options.observer.recovered(partition);
  }
}

function placeOf({ topic, partition }: TopicPartition): string {
  return partitionName(topic, partition);
}
