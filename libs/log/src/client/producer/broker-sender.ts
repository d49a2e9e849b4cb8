import { backoffMs, withJitter } from '@hailstream/service/backoff';
import { sleep } from '@hailstream/service/timers';
import type { Message, Producer as Kafkajs, RecordMetadata, TopicMessages } from 'kafkajs';
import type { Logger } from 'pino';
import type { RateLimitedLogger } from '@hailstream/service/rate-limited-logger';
import { KafkajsClient } from '../kafkajs/client.js';
import { codecOf } from '../kafkajs/codecs.js';
import { isSequenceLost, toLogError } from '../kafkajs/errors.js';
import { toKafkajsMessage } from '../kafkajs/produce.js';
import { LogNames } from '../kafkajs/topic-prefix.js';
import type { RecordFate } from '../record/record.js';
import type { Compression } from '../shared/compression.js';
import type { LogConnection } from '../shared/connection.js';
import { LogError } from '../shared/errors.js';
import { Accumulator, type AccumulatorLimits, type PartitionBatch } from './accumulator.js';
import type { PendingRecord } from './delivery.js';

/** Longest that a broker may take to answer. What it did not answer is asked again under the same sequence number. */
const REQUEST_TIMEOUT_MS = 2_000;
const RETRY_BACKOFF = { firstMs: 50, maxMs: 1_000 };
const ACKS_FROM_ALL_IN_SYNC = -1;

export interface AppendLaneOptions {
  readonly connection: LogConnection;
  readonly logger: Logger;
  readonly limitedLogger: RateLimitedLogger;
  readonly lingerMs: number;
  readonly compression: Compression;
  readonly limits: AccumulatorLimits;
  /** Told after each attempt whether the log answered. */
  readonly onAttempt: (reached: boolean) => void;
  /** The log no longer has a partition that it had. */
  readonly onPartitionGone: (topic: string) => void;
}

interface InFlight {
  readonly batches: readonly PartitionBatch<PendingRecord>[];
  readonly abandoned: AbortController;
}

/**
 * Appends to the partitions that one broker led when they were first seen: one request at a time, each with at most one
 * batch of a partition. So nothing of a partition can overtake, and what arrives during a request makes the next one.
 *
 * A request without an answer is repeated unchanged, under the same producer id and sequence: the log recognises what it
 * has. Once nobody waits for it any longer it is given up together with that producer id, whose sequence is then unknown.
 */
export class AppendLane {
  private readonly waiting: Accumulator<PendingRecord>;
  private readonly names: LogNames;
  private readonly codec: number;
  private linger: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  /** Whether the last request was of more than one `send`. A caller that was alone would wait for nobody. */
  private wasShared = false;
  private session: { client: KafkajsClient; producer: Kafkajs } | undefined;
  /** The last request, done or not. */
  private inFlight: InFlight | undefined;

  constructor(private readonly options: AppendLaneOptions) {
    this.waiting = new Accumulator(options.limits);
    this.codec = codecOf(options.compression);
    this.names = new LogNames(options.connection.topicPrefix);
  }

  get isIdle(): boolean {
    return this.running === undefined;
  }

  add(partition: number, record: PendingRecord): void {
    record.message.partition = partition;
    const isFull = this.waiting.add(record.topic, partition, record);
    if (this.running) return;
    if (isFull || !this.wasShared) this.flush();
    else this.linger ??= setTimeout(() => this.flush(), this.options.lingerMs);
  }

  /** Sends what waits without waiting for more. */
  flush(): void {
    clearTimeout(this.linger);
    this.linger = undefined;
    this.running ??= this.run().finally(() => {
      this.running = undefined;
    });
  }

  /** To be called after deliveries expired: lets go of their records, and of a request that nobody waits for. */
  dropExpired(): void {
    this.waiting.dropSettled();
    if (this.inFlight && isSettled(this.inFlight.batches)) this.inFlight.abandoned.abort();
  }

  /** Everything must have its fate by now. */
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

  private async append(batches: readonly PartitionBatch<PendingRecord>[]): Promise<void> {
    const abandoned = new AbortController();
    this.inFlight = { batches, abandoned };
    for (let retry = 0; ; retry += 1) {
      try {
        const answers = await unlessAborted(abandoned.signal, this.request(batches));
        this.settleAppended(batches, answers);
        this.options.onAttempt(true);
        return;
      } catch (error) {
        const failure = toLogError(error, 'cannot append');
        this.options.onAttempt(!failure.retryable);
        if (!failure.retryable) return this.appendApart(batches, failure);
        this.options.logger.debug({ err: failure, retry }, 'append failed');
        if (!isSequenceLost(error)) {
          await sleep(withJitter(backoffMs(retry, RETRY_BACKOFF)), abandoned.signal);
          if (!abandoned.signal.aborted) continue;
        }
        return this.handBack(batches, failure);
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
        topic: this.names.inCluster(topic),
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
      // kafkajs asks for at least one retry of an idempotent producer; the others are made here, within the deadline.
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

  /** The log refused the request for what is in it. Alone, each batch, then each record, gets the answer it deserves. */
  private async appendApart(
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

  private handBack(batches: readonly PartitionBatch<PendingRecord>[], failure: LogError): void {
    this.options.limitedLogger.warn({ err: failure }, 'gave up a request, and the producer id with it');
    this.replaceSession();
    const fate: RecordFate = { kind: 'failed', error: failure };
    for (const { records } of batches) for (const record of records) record.settle(fate);
  }

  private settleAppended(batches: readonly PartitionBatch<PendingRecord>[], answers: RecordMetadata[]): void {
    const baseOffsets = new Map(
      answers.map(({ topicName, partition, baseOffset }) => [
        `${partition}/${this.names.ours(topicName)}`,
        baseOffset,
      ]),
    );
    for (const { topic, partition, records } of batches) {
      const baseOffset = baseOffsets.get(`${partition}/${topic}`);
      if (baseOffset === undefined) {
        // kafkajs leaves out, without a word, partitions that its metadata no longer has.
        const message = `the log no longer has partition ${partition} of topic "${topic}"`;
        const error = new LogError('UNAVAILABLE', message, true);
        for (const record of records) record.settle({ kind: 'failed', error });
        this.options.onPartitionGone(topic);
        continue;
      }
      let offset = BigInt(baseOffset);
      for (const record of records) record.settle({ kind: 'appended', partition, offset: offset++ });
    }
  }
}

/** Lets callers send what they have, those who were just answered too, before a request is made up. */
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

/** kafkajs can hang in more than one place; waiting for it ends where nobody waits for the records any more. */
async function unlessAborted<R>(signal: AbortSignal, work: Promise<R>): Promise<R> {
  let abort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(new LogError('TIMED_OUT', 'no answer from the log in time', true));
    signal.addEventListener('abort', abort);
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function messagesByTopic(batches: readonly PartitionBatch<PendingRecord>[]): TopicMessages[] {
  const byTopic = new Map<string, Message[]>();
  for (const { topic, records } of batches) {
    const messages = byTopic.get(topic) ?? [];
    byTopic.set(topic, messages);
    for (const { message } of records) messages.push(toKafkajsMessage(message));
  }
  return [...byTopic].map(([topic, messages]) => ({ topic, messages }));
}

/** Each message comes with its partition. */
function choosePartitionOfMessage({ message }: { message: { partition?: number } }): number {
  return message.partition ?? 0;
}
