import { backoffMs, withJitter } from '@hailstream/service/backoff';
import type { RateLimitedLogger } from '@hailstream/service/rate-limited-logger';
import { sleep } from '@hailstream/service/timers';
import type { Message, Producer as Kafkajs, RecordMetadata, TopicMessages } from 'kafkajs';
import type { Logger } from 'pino';
import { partitionName } from '../../protocol/topic-partition.js';
import { KafkajsClient } from '../kafkajs/client.js';
import { codecOf, type Compression } from '../kafkajs/codecs.js';
import { isSequenceLost, toLogError } from '../kafkajs/errors.js';
import { ProduceMessages } from '../kafkajs/produce.js';
import type { DeliveryResult } from '../record/record.js';
import { TopicPrefix, type LogConnection } from '../core/connection.js';
import { LogError } from '../core/errors.js';
import { Accumulator, type AccumulatorLimits, type PartitionBatch } from './accumulator.js';
import type { PendingRecord } from './delivery.js';

/** Maximum time that a broker may take to answer. Then the request is repeated with the same sequence numbers. */
const REQUEST_TIMEOUT_MS = 2_000;
const RETRY_BACKOFF = { firstMs: 50, maxMs: 1_000 };
const ACKS_FROM_ALL_IN_SYNC = -1;

interface BrokerSenderOptions {
  readonly connection: LogConnection;
  readonly logger: Logger;
  readonly limitedLogger: RateLimitedLogger;
  readonly lingerMs: number;
  readonly compression: Compression;
  readonly limits: AccumulatorLimits;
  /** Called after each request with whether a broker answered. */
  readonly onAttempt: (reached: boolean) => void;
  /** Called if the cluster no longer has a partition of the topic. */
  readonly onPartitionMissing: (topic: string) => void;
}

interface InFlight {
  readonly batches: readonly PartitionBatch<PendingRecord>[];
  readonly abandoned: AbortController;
}

/**
 * Sends to the partitions whose leader was one broker when they were first used: one request at a time, each with at most
 * one batch of a partition. So nothing can overtake within a partition, and records that arrive during a request go into
 * the next one.
 *
 * A request without an answer is repeated unchanged, with the same producer id and sequence numbers, so that brokers
 * recognise duplicates. Once all its records have failed by their deadline, the request is abandoned together with the
 * producer id, whose next sequence number is unknown then.
 */
export class BrokerSender {
  private readonly waiting: Accumulator<PendingRecord>;
  private readonly prefix: TopicPrefix;
  private readonly codec: number;
  private linger: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  /** Whether the last request had records of more than one `send`. If not, waiting for others gains nothing. */
  private wasShared = false;
  private session: { client: KafkajsClient; producer: Kafkajs } | undefined;
  /** The last request, which may be complete. */
  private inFlight: InFlight | undefined;

  constructor(private readonly options: BrokerSenderOptions) {
    this.waiting = new Accumulator(options.limits);
    this.codec = codecOf(options.compression);
    this.prefix = new TopicPrefix(options.connection.topicPrefix);
  }

  get isIdle(): boolean {
    return this.running === undefined;
  }

  /** Adds a record whose partition is known. */
  add(record: PendingRecord): void {
    const isFull = this.waiting.add(record.topic, record.partition, record);
    if (this.running) return;
    if (isFull || !this.wasShared) this.flush();
    else this.linger ??= setTimeout(() => this.flush(), this.options.lingerMs);
  }

  /** Sends the waiting records at once. */
  flush(): void {
    clearTimeout(this.linger);
    this.linger = undefined;
    this.running ??= this.run().finally(() => {
      this.running = undefined;
    });
  }

  /** Call after deliveries expired: removes their records, and abandons a request that has only expired ones. */
  dropExpired(): void {
    this.waiting.dropSettled();
    if (this.inFlight && isSettled(this.inFlight.batches)) this.inFlight.abandoned.abort();
  }

  /** Closes the connections. Every record must have its result. */
  async close(): Promise<void> {
    clearTimeout(this.linger);
    this.inFlight?.abandoned.abort();
    await this.running;
    this.replaceSession();
  }

  private async run(): Promise<void> {
    await nextTurn();
    while (!this.waiting.isEmpty) {
      const batches = this.waiting.take();
      this.wasShared = isShared(batches);
      await this.append(batches);
      await nextTurn();
    }
  }

  private async append(
    batches: readonly PartitionBatch<PendingRecord>[],
    isMetadataFresh = false,
  ): Promise<void> {
    const abandoned = new AbortController();
    this.inFlight = { batches, abandoned };
    for (let retry = 0; ; retry += 1) {
      try {
        const answers = await unlessAborted(abandoned.signal, this.request(batches));
        this.options.onAttempt(true);
        const missing = this.settleAppended(batches, answers);
        if (missing.length === 0) return;
        if (isMetadataFresh) return this.failMissing(missing);
        // A new session has new metadata: the partitions may have been added to the topic since.
        this.replaceSession();
        return await this.append(missing, true);
      } catch (error) {
        const failure = toLogError(error, 'cannot append');
        this.options.onAttempt(!failure.retryable);
        if (!failure.retryable) return this.appendSeparately(batches, failure);
        this.options.logger.debug({ err: failure, retry }, 'append failed');
        if (!isSequenceLost(error)) {
          await sleep(withJitter(backoffMs(retry, RETRY_BACKOFF)), abandoned.signal);
          if (!abandoned.signal.aborted) continue;
        }
        return this.abandon(batches, failure);
      }
    }
  }

  private async request(batches: readonly PartitionBatch<PendingRecord>[]): Promise<RecordMetadata[]> {
    const producer = await this.connect();
    return producer.sendBatch({
      acks: ACKS_FROM_ALL_IN_SYNC,
      timeout: REQUEST_TIMEOUT_MS,
      compression: this.codec,
      topicMessages: messagesByTopic(batches).map(({ topic, messages }) => ({
        topic: this.prefix.add(topic),
        messages,
      })),
    });
  }

  private async connect(): Promise<Kafkajs> {
    if (this.session) return this.session.producer;
    const { connection, logger } = this.options;
    const client = new KafkajsClient({ connection, logger, requestTimeoutMs: REQUEST_TIMEOUT_MS });
    const producer = client.kafka.producer({
      idempotent: true,
      // The least that kafkajs accepts for an idempotent producer. All other retries are made here, within the deadline.
      retry: { retries: 1, initialRetryTime: 50 },
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: () => choosePartitionOfMessage,
    });
    producer.on('producer.network.request_timeout', ({ payload }) => client.dropSockets(payload.broker));
    try {
      await producer.connect();
    } catch (error) {
      client.kill();
      throw error;
    }
    this.session = { client, producer };
    return producer;
  }

  private replaceSession(): void {
    this.session?.client.kill();
    this.session = undefined;
  }

  /** The broker refused the request because of its content. Repeats it for each batch, then each half of a too large one. */
  private async appendSeparately(
    batches: readonly PartitionBatch<PendingRecord>[],
    refusal: LogError,
  ): Promise<void> {
    if (batches.length > 1) {
      for (const batch of batches) await this.append([batch]);
      return;
    }
    for (const { topic, partition, records } of batches) {
      if (refusal.code !== 'RECORD_TOO_LARGE' || records.length === 1) {
        for (const record of records) record.settle({ kind: 'failed', error: refusal });
        continue;
      }
      const middle = Math.ceil(records.length / 2);
      await this.append([{ topic, partition, records: records.slice(0, middle) }]);
      await this.append([{ topic, partition, records: records.slice(middle) }]);
    }
  }

  private abandon(batches: readonly PartitionBatch<PendingRecord>[], failure: LogError): void {
    this.options.limitedLogger.warn({ err: failure }, 'request abandoned, continuing with a new producer id');
    this.replaceSession();
    const result: DeliveryResult = { kind: 'failed', error: failure };
    for (const { records } of batches) for (const record of records) record.settle(result);
  }

  /** Returns the batches that were not sent: kafkajs leaves out partitions that are not in its metadata, without an error. */
  private settleAppended(
    batches: readonly PartitionBatch<PendingRecord>[],
    answers: RecordMetadata[],
  ): PartitionBatch<PendingRecord>[] {
    const baseOffsets = new Map(
      answers.map(({ topicName, partition, baseOffset }) => [
        partitionName(this.prefix.remove(topicName), partition),
        baseOffset,
      ]),
    );
    return batches.filter(({ topic, partition, records }) => {
      const baseOffset = baseOffsets.get(partitionName(topic, partition));
      if (baseOffset === undefined) return true;
      let offset = BigInt(baseOffset);
      for (const record of records) record.settle({ kind: 'appended', partition, offset: offset++ });
      return false;
    });
  }

  private failMissing(batches: readonly PartitionBatch<PendingRecord>[]): void {
    for (const { topic, partition, records } of batches) {
      const message = `the cluster has no partition ${partition} of topic "${topic}"`;
      const error = new LogError('UNAVAILABLE', message, true);
      for (const record of records) record.settle({ kind: 'failed', error });
      this.options.onPartitionMissing(topic);
    }
  }
}

/** Lets callers whose `send` has just resolved send again before the next request is assembled. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function isShared(batches: readonly PartitionBatch<PendingRecord>[]): boolean {
  const first = batches[0]?.records[0]?.delivery;
  return batches.some(({ records }) => records.some(({ delivery }) => delivery !== first));
}

function isSettled(batches: readonly PartitionBatch<PendingRecord>[]): boolean {
  return batches.every(({ records }) => records.every(({ settled }) => settled));
}

/** kafkajs may never settle its promise; stops waiting once the request is abandoned. */
async function unlessAborted<R>(signal: AbortSignal, work: Promise<R>): Promise<R> {
  let abort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(new LogError('TIMED_OUT', 'no broker answered in time', true));
    signal.addEventListener('abort', abort);
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function messagesByTopic(batches: readonly PartitionBatch<PendingRecord>[]): TopicMessages[] {
  const byTopic = new Map<string, ProduceMessages>();
  for (const { topic, records } of batches) {
    const messages = byTopic.get(topic) ?? new ProduceMessages();
    byTopic.set(topic, messages);
    for (const record of records) messages.push(record);
  }
  return [...byTopic].map(([topic, messages]) => ({ topic, messages: messages as unknown as Message[] }));
}

/** Each message has its partition. */
function choosePartitionOfMessage({ message }: { message: { partition?: number } }): number {
  return message.partition ?? 0;
}
