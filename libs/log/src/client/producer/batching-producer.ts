import { backoffMs, withJitter } from '@hailstream/service/backoff';
import { RateLimitedLogger } from '@hailstream/service/rate-limited-logger';
import { sleep } from '@hailstream/service/timers';
import { partitionName } from '../../protocol/topic-partition.js';
import { canCompress } from '../kafkajs/codecs.js';
import type { DeliveryResult, OutgoingRecord } from '../record/record.js';
import { LogError } from '../core/errors.js';
import { BrokerSender } from './broker-sender.js';
import { Delivery, OpenDeliveries, PendingRecord } from './delivery.js';
import { partitionForKey, StickyPartitioner } from './partitioner.js';
import type { Producer, ProducerOptions } from './producer.js';
import { invalidReason, toContent } from './record-content.js';
import { TopicMetadata, type TopicLeaders } from './topic-metadata.js';

const DEFAULTS = {
  lingerMs: 2,
  compression: 'none' as const,
  batchBytes: 512 * 1024,
  bufferBytes: 32 * 1024 * 1024,
  deliveryTimeoutMs: 10_000,
};

/** Maximum number of records in one batch. */
const BATCH_RECORDS = 5_000;
/** Maximum number of bytes of keys and values in one request. */
const REQUEST_BYTES = 4 * 1024 * 1024;
/** How often deadlines are checked. A delivery fails up to this much before its deadline, never after it. */
const SWEEP_MS = 50;
/** How often metadata is refreshed, because topics may get more partitions. */
const METADATA_MAX_AGE_MS = 60_000;
const LOOK_UP_BACKOFF = { firstMs: 100, maxMs: 1_000 };
/** Requests for the metadata of an unknown topic before its records fail: not every broker knows a new topic at once. */
const UNKNOWN_TOPIC_LOOK_UPS = 4;
/** How often an unreachable cluster is tried while no records are sent. */
const PROBE_MS = 1_000;

/** Creates a producer. It connects by itself, and recovers by itself after an outage. */
export function createProducer(options: ProducerOptions): Producer {
  return new BatchingProducer(options);
}

/** {@link Producer} that collects concurrent sends in batches of one partition. */
class BatchingProducer implements Producer {
  bufferedBytes = 0;
  private readonly options: Required<ProducerOptions>;
  private readonly metadata: TopicMetadata;
  private readonly senders = new Map<number, BrokerSender>();
  /** The sender of a partition does not change with its leader, because two senders could reorder its records. */
  private readonly senderOfPartition = new Map<string, BrokerSender>();
  /** Records that wait for the metadata of their topic. */
  private readonly parked = new Map<string, PendingRecord[]>();
  private readonly open = new OpenDeliveries();
  private readonly limitedLogger: RateLimitedLogger;
  private readonly timers: NodeJS.Timeout[];
  private readonly closing = new AbortController();
  /** Those whose last request failed because the cluster was unreachable. */
  private readonly failing = new Set<BrokerSender | TopicMetadata>();
  private probing = false;
  private readonly stickyPartitioner = new StickyPartitioner();

  constructor(options: ProducerOptions) {
    this.options = { ...DEFAULTS, ...options };
    if (!canCompress(this.options.compression)) {
      throw new LogError('REFUSED', `compression ${this.options.compression} is not available here`, false);
    }
    this.limitedLogger = new RateLimitedLogger(options.logger);
    this.metadata = new TopicMetadata(options.connection, options.logger);
    this.timers = [
      setInterval(() => this.expireDeliveries(), SWEEP_MS).unref(),
      setInterval(() => this.refreshMetadata(), METADATA_MAX_AGE_MS).unref(),
    ];
    void this.probeUntilReached();
  }

  get healthy(): boolean {
    return this.failing.size === 0;
  }

  async send(records: readonly OutgoingRecord[]): Promise<DeliveryResult[]> {
    if (this.closing.signal.aborted) throw new LogError('CLOSED', 'the producer is closed', false);
    const delivery = new Delivery(
      records.length,
      performance.now() + this.options.deliveryTimeoutMs - 2 * SWEEP_MS,
    );
    const nowMs = Date.now();
    const pending: PendingRecord[] = [];
    let sizeBytes = 0;
    for (const [index, record] of records.entries()) {
      const invalid = invalidReason(record);
      if (invalid !== undefined) {
        delivery.settle(index, { kind: 'failed', error: new LogError('REFUSED', invalid, false) });
        continue;
      }
      const valid = new PendingRecord(delivery, index, toContent(record, nowMs));
      sizeBytes += valid.sizeBytes;
      pending.push(valid);
    }
    this.reserve(sizeBytes);
    this.open.add(delivery);
    for (const record of pending) this.route(record);
    const results = await delivery.results;
    this.bufferedBytes -= sizeBytes;
    return results;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closing.abort();
    for (const sender of this.senders.values()) sender.flush();
    // Ends, because every delivery has a deadline.
    while (!this.open.isEmpty) await sleep(SWEEP_MS / 10);
    for (const timer of this.timers) clearInterval(timer);
    this.limitedLogger.stop();
    await Promise.all([...this.senders.values()].map((sender) => sender.close()));
    this.metadata.drop();
  }

  private reserve(sizeBytes: number): void {
    const { bufferBytes } = this.options;
    if (sizeBytes > bufferBytes) {
      const message = `the records have ${sizeBytes} bytes, the producer's buffer has ${bufferBytes}`;
      throw new LogError('REFUSED', message, false);
    }
    if (this.bufferedBytes + sizeBytes > bufferBytes) {
      const message = `the producer's buffer is full: ${this.bufferedBytes} of ${bufferBytes} bytes are not acknowledged yet`;
      throw new LogError('BUFFER_FULL', message, true);
    }
    this.bufferedBytes += sizeBytes;
  }

  private route(record: PendingRecord): void {
    const parked = this.parked.get(record.topic);
    if (parked) {
      parked.push(record);
      return;
    }
    const leaders = this.metadata.get(record.topic);
    // A partition that is not in the metadata may have been added to the topic since.
    if (leaders && record.partition < leaders.length) return this.enqueue(record, leaders);
    this.parked.set(record.topic, [record]);
    void this.unparkOnceKnown(record.topic);
  }

  private enqueue(record: PendingRecord, leaders: TopicLeaders): void {
    const { topic, partition } = record;
    if (partition >= leaders.length) {
      const message = `topic "${topic}" has ${leaders.length} partitions, and no partition ${partition}`;
      record.settle({ kind: 'failed', error: new LogError('UNKNOWN_TOPIC', message, true) });
      return;
    }
    if (partition < 0) record.partition = this.choosePartition(record, leaders.length);
    this.sender(topic, record.partition, leaders).add(record);
  }

  private choosePartition({ topic, key, sizeBytes }: PendingRecord, partitionCount: number): number {
    if (key) return partitionForKey(key, partitionCount);
    return this.stickyPartitioner.choose(topic, partitionCount, sizeBytes);
  }

  private sender(topic: string, partition: number, leaders: TopicLeaders): BrokerSender {
    const id = partitionName(topic, partition);
    const known = this.senderOfPartition.get(id);
    if (known) return known;
    const leader = leaders[partition] ?? -1;
    const sender = this.senders.get(leader) ?? this.createSender();
    this.senders.set(leader, sender);
    this.senderOfPartition.set(id, sender);
    return sender;
  }

  private createSender(): BrokerSender {
    const { connection, logger, lingerMs, batchBytes, compression } = this.options;
    const sender: BrokerSender = new BrokerSender({
      connection,
      logger,
      limitedLogger: this.limitedLogger,
      lingerMs,
      compression,
      limits: { batchBytes, batchRecords: BATCH_RECORDS, requestBytes: REQUEST_BYTES },
      onAttempt: (reached) => this.noteAttempt(sender, reached),
      onPartitionMissing: (topic) => void this.lookUp(topic),
    });
    return sender;
  }

  private async unparkOnceKnown(topic: string): Promise<void> {
    for (let retry = 0; ; retry += 1) {
      const leaders = await this.lookUp(topic);
      const records = this.parked.get(topic) ?? [];
      if (leaders instanceof LogError) {
        const isMissing = leaders.code === 'UNKNOWN_TOPIC' && retry + 1 >= UNKNOWN_TOPIC_LOOK_UPS;
        if (isMissing || !leaders.retryable)
          for (const record of records) record.settle({ kind: 'failed', error: leaders });
        if (records.every(({ settled }) => settled)) {
          this.parked.delete(topic);
          return;
        }
        await sleep(withJitter(backoffMs(retry, LOOK_UP_BACKOFF)));
        continue;
      }
      this.parked.delete(topic);
      for (const record of records) if (!record.settled) this.enqueue(record, leaders);
      if (this.closing.signal.aborted) for (const sender of this.senders.values()) sender.flush();
      return;
    }
  }

  private async lookUp(topic: string): Promise<TopicLeaders | LogError> {
    try {
      const leaders = await this.metadata.lookUp(topic);
      this.noteAttempt(this.metadata, true);
      return leaders;
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      this.noteAttempt(this.metadata, error.code === 'UNKNOWN_TOPIC');
      return error;
    }
  }

  private refreshMetadata(): void {
    for (const topic of this.metadata.topics()) void this.lookUp(topic);
  }

  private expireDeliveries(): void {
    const expired = this.open.takeExpired(performance.now());
    if (expired.length === 0) return;
    for (const delivery of expired) delivery.expire(this.options.deliveryTimeoutMs);
    this.limitedLogger.warn({}, 'records were not acknowledged in time');
    for (const [topic, records] of this.parked) {
      this.parked.set(
        topic,
        records.filter(({ settled }) => !settled),
      );
    }
    for (const sender of this.senders.values()) sender.dropExpired();
  }

  private noteAttempt(source: BrokerSender | TopicMetadata, reached: boolean): void {
    const wasHealthy = this.healthy;
    if (reached) this.failing.delete(source);
    else this.failing.add(source);
    if (this.healthy && !wasHealthy) this.options.logger.info('log is reachable');
    if (!this.healthy && wasHealthy) this.options.logger.warn('log is unreachable');
    if (!this.healthy) void this.probeUntilReached();
  }

  /** Lets `healthy` recover while no records are sent. */
  private async probeUntilReached(): Promise<void> {
    if (this.probing) return;
    this.probing = true;
    do {
      try {
        await this.metadata.reach();
        // A sender with a request in flight reports its own result.
        for (const sender of this.senders.values()) if (sender.isIdle) this.noteAttempt(sender, true);
        this.noteAttempt(this.metadata, true);
      } catch (error) {
        this.options.logger.debug({ err: error }, 'log is still unreachable');
        this.noteAttempt(this.metadata, false);
      }
      if (!this.healthy) await sleep(PROBE_MS, this.closing.signal);
    } while (!this.healthy && !this.closing.signal.aborted);
    this.probing = false;
  }
}
