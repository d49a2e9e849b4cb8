import { backoffMs, withJitter } from '@hailstream/service/backoff';
import { RateLimitedLogger } from '@hailstream/service/rate-limited-logger';
import { sleep } from '@hailstream/service/timers';
import { canCompress } from '../kafkajs/codecs.js';
import type { OutgoingMessage } from '../kafkajs/produce.js';
import type { LogHeader, OutgoingRecord, RecordFate } from '../record/record.js';
import { LogError } from '../shared/errors.js';
import { AppendLane } from './broker-sender.js';
import { Delivery, OpenDeliveries, PendingRecord } from './delivery.js';
import { partitionForKey } from './partitioner.js';
import type { Producer, ProducerOptions } from './producer.js';
import { TopicDirectory, type TopicLeaders } from './topic-metadata.js';

const DEFAULTS = {
  lingerMs: 2,
  compression: 'none' as const,
  batchBytes: 512 * 1024,
  bufferBytes: 32 * 1024 * 1024,
  deliveryTimeoutMs: 10_000,
};

/** Most records in one partition's batch: kafkajs copies the list of them for each one that it adds to it. */
const BATCH_RECORDS = 250;
/** Most bytes of keys and values in one request. */
const REQUEST_BYTES = 4 * 1024 * 1024;
/** How often deadlines are looked at; a delivery is failed this much before its deadline, never after. */
const SWEEP_MS = 50;
/** How often the layout of known topics is asked again: topics may get more partitions. */
const DIRECTORY_MAX_AGE_MS = 60_000;
const LOOK_UP_BACKOFF = { firstMs: 100, maxMs: 1_000 };
/** How often a topic is asked for before its records fail because there is none: one just made may not be known yet. */
const UNKNOWN_TOPIC_LOOK_UPS = 4;
/** How often an unreachable log is tried while nothing is sent. */
const PROBE_MS = 1_000;

/** A record for any topic, in kafkajs's shape. */
export interface MessageForTopic {
  readonly topic: string;
  readonly message: OutgoingMessage;
}

/** Makes a producer. It connects by itself, and goes on by itself after any outage. */
export function createProducer(options: ProducerOptions): Producer {
  return new KafkajsProducer(options);
}

/** {@link Producer} over kafkajs: gathers concurrent sends into batches, by partition. */
export class KafkajsProducer implements Producer {
  bufferedBytes = 0;
  private readonly options: Required<ProducerOptions>;
  private readonly directory: TopicDirectory;
  private readonly lanes = new Map<number, AppendLane>();
  /** Which lane a partition belongs to, for good: its order must not depend on which broker leads it now. */
  private readonly laneOfPartition = new Map<string, AppendLane>();
  /** Records of topics whose layout is being asked for. */
  private readonly parked = new Map<string, PendingRecord[]>();
  private readonly open = new OpenDeliveries();
  /** For what comes with every request while the log is away. */
  private readonly limitedLogger: RateLimitedLogger;
  private readonly timers: NodeJS.Timeout[];
  private readonly closing = new AbortController();
  /** Lanes, and the directory, whose last attempt found no log. */
  private readonly failing = new Set<AppendLane | TopicDirectory>();
  private probing = false;
  private keylessCount = 0;

  constructor(options: ProducerOptions) {
    this.options = { ...DEFAULTS, ...options };
    if (!canCompress(this.options.compression)) {
      throw new LogError('REFUSED', `this machine can't write ${this.options.compression}`, false);
    }
    this.limitedLogger = new RateLimitedLogger(options.logger);
    this.directory = new TopicDirectory(options.connection, options.logger);
    this.timers = [
      setInterval(() => this.expireDeliveries(), SWEEP_MS).unref(),
      setInterval(() => this.refreshDirectory(), DIRECTORY_MAX_AGE_MS).unref(),
    ];
    void this.probeUntilReached();
  }

  get healthy(): boolean {
    return this.failing.size === 0;
  }

  async send(records: readonly OutgoingRecord[]): Promise<RecordFate[]> {
    const now = String(Date.now());
    return this.sendMessages(
      records.map(({ topic, key, value, headers, timestampMs }) => ({
        topic,
        message: {
          key: Buffer.from(key),
          value,
          timestamp: timestampMs === undefined ? now : String(timestampMs),
          headers: listHeaders(headers),
        },
      })),
    );
  }

  /** As {@link send}, for records whose key, value or headers are not those of an event. */
  async sendMessages(messages: readonly MessageForTopic[]): Promise<RecordFate[]> {
    if (this.closing.signal.aborted) throw new LogError('CLOSED', 'the producer was closed', false);
    const sizes = messages.map(({ message }) => sizeOf(message));
    const sizeBytes = sizes.reduce((sum, size) => sum + size, 0);
    this.admit(sizeBytes);
    const delivery = new Delivery(
      messages.length,
      performance.now() + this.options.deliveryTimeoutMs - 2 * SWEEP_MS,
    );
    this.open.add(delivery);
    messages.forEach(({ topic, message }, index) =>
      this.route(new PendingRecord(delivery, index, topic, message, sizes[index] ?? 0)),
    );
    const fates = await delivery.fates;
    this.bufferedBytes -= sizeBytes;
    return fates;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closing.abort();
    for (const lane of this.lanes.values()) lane.flush();
    // Every delivery has a deadline, so this ends.
    while (!this.open.isEmpty) await sleep(SWEEP_MS / 10);
    for (const timer of this.timers) clearInterval(timer);
    this.limitedLogger.stop();
    await Promise.all([...this.lanes.values()].map((lane) => lane.close()));
    this.directory.drop();
  }

  private admit(sizeBytes: number): void {
    const { bufferBytes } = this.options;
    if (sizeBytes > bufferBytes) {
      const message = `${sizeBytes} bytes in one send, more than the buffer's ${bufferBytes}`;
      throw new LogError('REFUSED', message, false);
    }
    if (this.bufferedBytes + sizeBytes > bufferBytes) {
      const message = `${this.bufferedBytes} of ${bufferBytes} bytes are waiting for the log`;
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
    const leaders = this.directory.get(record.topic);
    if (leaders) return this.enqueue(record, leaders);
    this.parked.set(record.topic, [record]);
    void this.unparkOnceKnown(record.topic);
  }

  private enqueue(record: PendingRecord, leaders: TopicLeaders): void {
    const { key } = record.message;
    const partition =
      record.message.partition ??
      (key ? partitionForKey(key, leaders.length) : this.keylessCount++ % leaders.length);
    this.lane(record.topic, partition, leaders).add(partition, record);
  }

  private lane(topic: string, partition: number, leaders: TopicLeaders): AppendLane {
    const id = `${partition}/${topic}`;
    const known = this.laneOfPartition.get(id);
    if (known) return known;
    const leader = leaders[partition] ?? -1;
    const lane = this.lanes.get(leader) ?? this.makeLane();
    this.lanes.set(leader, lane);
    this.laneOfPartition.set(id, lane);
    return lane;
  }

  private makeLane(): AppendLane {
    const { connection, logger, lingerMs, batchBytes, compression } = this.options;
    const lane: AppendLane = new AppendLane({
      connection,
      logger,
      limitedLogger: this.limitedLogger,
      lingerMs,
      compression,
      limits: { batchBytes, batchRecords: BATCH_RECORDS, requestBytes: REQUEST_BYTES },
      onAttempt: (reached) => this.noteAttempt(lane, reached),
      onPartitionGone: (topic) => void this.lookUp(topic),
    });
    return lane;
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
      if (this.closing.signal.aborted) for (const lane of this.lanes.values()) lane.flush();
      return;
    }
  }

  private async lookUp(topic: string): Promise<TopicLeaders | LogError> {
    try {
      const leaders = await this.directory.lookUp(topic);
      this.noteAttempt(this.directory, true);
      return leaders;
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      this.noteAttempt(this.directory, error.code === 'UNKNOWN_TOPIC');
      return error;
    }
  }

  private refreshDirectory(): void {
    for (const topic of this.directory.topics()) void this.lookUp(topic);
  }

  private expireDeliveries(): void {
    const expired = this.open.takeExpired(performance.now());
    if (expired.length === 0) return;
    for (const delivery of expired) delivery.expire(this.options.deliveryTimeoutMs);
    this.limitedLogger.warn({}, 'records were not answered for in time');
    for (const [topic, records] of this.parked) {
      this.parked.set(
        topic,
        records.filter(({ settled }) => !settled),
      );
    }
    for (const lane of this.lanes.values()) lane.dropExpired();
  }

  private noteAttempt(source: AppendLane | TopicDirectory, reached: boolean): void {
    const wasHealthy = this.healthy;
    if (reached) this.failing.delete(source);
    else this.failing.add(source);
    if (this.healthy && !wasHealthy) this.options.logger.info('the log answers again');
    if (!this.healthy && wasHealthy) this.options.logger.warn('the log does not answer');
    if (!this.healthy) void this.probeUntilReached();
  }

  /** So that `healthy` comes back without anything being sent. */
  private async probeUntilReached(): Promise<void> {
    if (this.probing) return;
    this.probing = true;
    do {
      try {
        await this.directory.reach();
        // A lane that is sending finds out for itself.
        for (const lane of this.lanes.values()) if (lane.isIdle) this.noteAttempt(lane, true);
        this.noteAttempt(this.directory, true);
      } catch (error) {
        this.options.logger.debug({ err: error }, 'the log is out of reach');
        this.noteAttempt(this.directory, false);
      }
      if (!this.healthy) await sleep(PROBE_MS, this.closing.signal);
    } while (!this.healthy && !this.closing.signal.aborted);
    this.probing = false;
  }
}

function listHeaders(headers: OutgoingRecord['headers'] = []): readonly LogHeader[] {
  if (isList(headers)) return headers;
  return Object.entries(headers).map(([key, value]) => ({ key, value: Buffer.from(value) }));
}

function isList(headers: NonNullable<OutgoingRecord['headers']>): headers is readonly LogHeader[] {
  return Array.isArray(headers);
}

/** Bytes of key, value and headers. */
function sizeOf({ key, value, headers }: OutgoingMessage): number {
  return headers.reduce(
    (sum, header) => sum + Buffer.byteLength(header.key) + (header.value?.length ?? 0),
    (key?.length ?? 0) + (value?.length ?? 0),
  );
}
