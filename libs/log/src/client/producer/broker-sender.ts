import assert from 'node:assert';
import { backoffMs, withJitter } from '@hailstream/service/backoff';
import type { RateLimitedLogger } from '@hailstream/service/rate-limited-logger';
import { sleep } from '@hailstream/service/timers';
import type { Logger } from 'pino';
import { codecOf, type Compression } from '../kafkajs/codecs.js';
import { isSequenceLost, toLogError } from '../kafkajs/errors.js';
import type { LogConnection } from '../core/connection.js';
import { LogError } from '../core/errors.js';
import { Accumulator, type AccumulatorLimits, type PartitionBatch } from './accumulator.js';
import type { PendingRecord } from './delivery.js';
import { OutgoingBatch } from './outgoing-batch.js';
import { ProduceSession } from './produce-session.js';

/** Maximum time that a broker may take to answer. Then the request is repeated with the same sequence numbers. */
const REQUEST_TIMEOUT_MS = 2_000;
const RETRY_BACKOFF = { firstMs: 50, maxMs: 1_000 };

interface BrokerSenderOptions {
  readonly connection: LogConnection;
  readonly logger: Logger;
  readonly limitedLogger: RateLimitedLogger;
  readonly lingerMs: number;
  readonly compression: Compression;
  readonly limits: AccumulatorLimits;
  /** Called with whether the last request was answered. */
  readonly onAttempt: (reached: boolean) => void;
  /** Called if the cluster no longer has a partition of the topic. */
  readonly onPartitionMissing: (topic: string) => void;
}

interface InFlight {
  readonly batches: readonly OutgoingBatch[];
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
  private readonly codec: number;
  private linger: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  /** Whether the last request had records of more than one `send`. If not, waiting for others gains nothing. */
  private wasShared = false;
  private session: ProduceSession | undefined;
  /** The last request, which may be complete. */
  private inFlight: InFlight | undefined;
  /** Of all requests until one is abandoned: a signal costs more than the rest of a small request. */
  private abandoned = new AbortController();

  constructor(private readonly options: BrokerSenderOptions) {
    this.waiting = new Accumulator(options.limits);
    this.codec = codecOf(options.compression);
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
    if (this.inFlight && this.inFlight.batches.every(({ isSettled }) => isSettled))
      this.inFlight.abandoned.abort();
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
      await this.append(batches.map((batch) => new OutgoingBatch(batch)));
      await nextTurn();
    }
  }

  /** Sends batches of different partitions until each has a result. */
  private async append(batches: readonly OutgoingBatch[]): Promise<void> {
    if (this.abandoned.signal.aborted) this.abandoned = new AbortController();
    const { abandoned } = this;
    const tooLarge: OutgoingBatch[] = [];
    let open = batches;
    for (let retry = 0; open.length > 0; retry += 1) {
      this.inFlight = { batches: open, abandoned };
      await this.request(open, abandoned.signal);
      open = this.settle(open, tooLarge);
      const error = firstError(open);
      // The first error may only mean that a leader has moved or a connection was closed.
      if (error === undefined || retry > 0 || abandoned.signal.aborted)
        this.options.onAttempt(error === undefined);
      if (error === undefined) continue;
      const failure = toLogError(error, 'cannot append');
      this.options.logger.debug({ err: failure, retry }, 'append failed');
      const isLost = open.some(hasLostSequence);
      if (!isLost) await sleep(withJitter(backoffMs(retry, RETRY_BACKOFF)), abandoned.signal);
      if (isLost || abandoned.signal.aborted) {
        this.abandon(open, failure);
        open = [];
      }
    }
    if (batches.some(({ isLost }) => isLost)) this.replaceSession();
    for (const batch of tooLarge) for (const half of halvesOf(batch)) await this.append([half]);
  }

  /** Makes one attempt to append the batches, which then have an outcome. */
  private async request(batches: readonly OutgoingBatch[], abandoned: AbortSignal): Promise<void> {
    const { connection, logger } = this.options;
    const { codec } = this;
    this.session ??= new ProduceSession({ connection, logger, requestTimeoutMs: REQUEST_TIMEOUT_MS, codec });
    try {
      await unlessAborted(abandoned, this.session.produce(batches));
    } catch (error) {
      const { code, retryable } = toLogError(error, 'cannot append');
      if (batches.length > 1 && (code === 'UNKNOWN_TOPIC' || !retryable)) {
        // The metadata of all topics were refused because of one.
        for (const batch of batches) await this.request([batch], abandoned);
        return;
      }
      for (const batch of batches) batch.outcome = { kind: 'failed', error };
    }
  }

  /**
   * Settles the records of the batches that have a result. Returns those that must be sent again, and adds to `tooLarge`
   * those that must be divided.
   */
  private settle(batches: readonly OutgoingBatch[], tooLarge: OutgoingBatch[]): OutgoingBatch[] {
    return batches.filter((batch) => {
      const { outcome, partition, records } = batch;
      assert.ok(outcome);
      if (outcome.kind === 'appended') {
        let offset = outcome.baseOffset;
        for (const record of records) record.settle({ kind: 'appended', partition, offset: offset++ });
        return false;
      }
      if (outcome.kind === 'missing') {
        // The partition may have been added to the topic since the metadata were loaded. They are loaded again.
        if (!batch.wasMissing) return (batch.wasMissing = true);
        this.failMissing(batch);
        return false;
      }
      const error = toLogError(outcome.error, 'cannot append');
      if (error.retryable) return true;
      if (error.code === 'RECORD_TOO_LARGE' && records.length > 1) tooLarge.push(batch);
      else for (const record of records) record.settle({ kind: 'failed', error });
      return false;
    });
  }

  private replaceSession(): void {
    this.session?.[Symbol.dispose]();
    this.session = undefined;
  }

  private abandon(batches: readonly OutgoingBatch[], error: LogError): void {
    this.options.limitedLogger.warn({ err: error }, 'request abandoned, continuing with a new producer id');
    this.replaceSession();
    for (const { records } of batches) for (const record of records) record.settle({ kind: 'failed', error });
  }

  private failMissing({ topic, partition, records }: OutgoingBatch): void {
    const message = `the cluster has no partition ${partition} of topic "${topic}"`;
    const error = new LogError('UNAVAILABLE', message, true);
    for (const record of records) record.settle({ kind: 'failed', error });
    this.options.onPartitionMissing(topic);
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

function firstError(batches: readonly OutgoingBatch[]): unknown {
  for (const { outcome } of batches) if (outcome?.kind === 'failed') return outcome.error;
  return undefined;
}

function hasLostSequence({ outcome }: OutgoingBatch): boolean {
  return outcome?.kind === 'failed' && isSequenceLost(outcome.error);
}

function halvesOf({ topic, partition, records }: OutgoingBatch): OutgoingBatch[] {
  const middle = Math.ceil(records.length / 2);
  return [records.slice(0, middle), records.slice(middle)].map(
    (half) => new OutgoingBatch({ topic, partition, records: half }),
  );
}

/** kafkajs may never settle its promise; stops waiting once the request is abandoned. */
async function unlessAborted<R>(signal: AbortSignal, work: Promise<R>): Promise<R> {
  let abort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(new LogError('TIMED_OUT', 'no broker answered in time', true));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort);
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
