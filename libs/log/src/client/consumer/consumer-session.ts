import { backoffMs } from '@hailstream/service/backoff';
import { sleep } from '@hailstream/service/timers';
import type { Consumer as Kafkajs, EachBatchPayload } from 'kafkajs';
import type { Logger } from 'pino';
import { KafkajsClient } from '../kafkajs/client.js';
import { isRebalance, toLogError } from '../kafkajs/errors.js';
import { carried, RawFetches, type FetchedPartition } from '../kafkajs/fetch.js';
import { cutBatchBytes } from '../record/record-set.js';
import type { TopicPartition } from '../../protocol/topic-partition.js';
import { TopicPrefix, type LogConnection } from '../core/connection.js';
import { LogError } from '../core/errors.js';
import type { WorkContext } from './batch-worker.js';

/** Maximum time that a broker may take to answer a request that it can answer at once. */
const REQUEST_TIMEOUT_MS = 5_000;
/** Maximum time that a member may take to finish its batches and to join again. */
const REBALANCE_TIMEOUT_MS = 60_000;
/** How often kafkajs looks for new partitions. */
const METADATA_MAX_AGE_MS = 60_000;
/** Maximum number of bytes of one fetch, over all partitions. */
const FETCH_BYTES = 10 * 1024 * 1024;
/** Maximum number of partitions handled concurrently. */
const CONCURRENT_PARTITIONS = 64;
const COMMIT_ATTEMPTS = 4;
const COMMIT_BACKOFF = { firstMs: 100, maxMs: 1_000 };
/** How long kafkajs may report no activity, while no batch is being handled, before the session counts as stalled. */
const STALLED_AFTER_MS = REBALANCE_TIMEOUT_MS + 30_000;

interface ConsumerSessionOptions {
  readonly connection: LogConnection;
  readonly logger: Logger;
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly commits: boolean;
  readonly maxPartitionBytes: number;
  readonly maxWaitMs: number;
  readonly sessionTimeoutMs: number;
  /** Whether the group has no other members. */
  readonly isGroupOfOne: boolean;
  /** Called during the join, before the first fetch. */
  readonly onAssigned: (assigned: TopicPartition[]) => void;
  /** Handles what was fetched from a partition. Throws only if the session must end. */
  readonly onFetched: (
    partition: TopicPartition,
    fetched: FetchedPartition,
    context: WorkContext,
  ) => Promise<void>;
  readonly onAdvanced: (partition: TopicPartition, nextOffset: bigint) => void;
  readonly isPaused: (partition: TopicPartition) => boolean;
}

interface Work extends TopicPartition {
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/** One kafkajs consumer, from joining the group until it fails or is closed. A failed session is replaced, not repaired. */
export class ConsumerSession {
  /** Resolves with the reason once the session has ended. */
  readonly failed: Promise<unknown>;
  private readonly client: KafkajsClient;
  private readonly prefix: TopicPrefix;
  private readonly fetches = new RawFetches();
  private readonly kafkajs: Kafkajs;
  private readonly inFlight = new Set<Work>();
  private readonly heartbeatMs: number;
  private assigned: TopicPartition[] = [];
  private lastActivityMs = performance.now();
  private watchdog: NodeJS.Timeout | undefined;
  private closing: Promise<void> | undefined;
  private settleFailed!: (reason: unknown) => void;

  constructor(private readonly options: ConsumerSessionOptions) {
    const { connection, logger, groupId, sessionTimeoutMs, isGroupOfOne } = options;
    this.failed = new Promise((resolve) => {
      this.settleFailed = resolve;
    });
    this.prefix = new TopicPrefix(connection.topicPrefix);
    this.heartbeatMs = Math.floor(sessionTimeoutMs / 10);
    // If the group's leader has died, the assignment arrives only after the leader's session has timed out. A member that
    // gives up earlier and joins under a new member id leaves another dead member behind.
    const requestTimeoutMs = REQUEST_TIMEOUT_MS + (isGroupOfOne ? 0 : sessionTimeoutMs);
    this.client = new KafkajsClient({ connection, logger, requestTimeoutMs });
    this.kafkajs = this.client.kafka.consumer({
      groupId: this.prefix.add(groupId),
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: REBALANCE_TIMEOUT_MS,
      heartbeatInterval: this.heartbeatMs,
      maxBytesPerPartition: options.maxPartitionBytes,
      maxBytes: FETCH_BYTES,
      maxWaitTimeInMs: options.maxWaitMs,
      metadataMaxAge: METADATA_MAX_AGE_MS,
      allowAutoTopicCreation: false,
      rackId: this.fetches.rackId,
      // kafkajs restarts after some crashes only; a new session recovers from all of them.
      retry: { retries: 2, initialRetryTime: 100, restartOnFailure: () => Promise.resolve(false) },
    });
  }

  /** Joins the group. Assignments are reported through `onAssigned`, failures through `failed`. */
  async open(): Promise<void> {
    this.listen();
    await this.kafkajs.connect();
    // If the group has no committed offset, or one that the log does not have, kafkajs must not skip records.
    await this.kafkajs.subscribe({
      topics: this.options.topics.map((topic) => this.prefix.add(topic)),
      fromBeginning: true,
    });
    await this.kafkajs.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: CONCURRENT_PARTITIONS,
      eachBatch: (payload) => this.handle(payload),
    });
    this.watchdog = setInterval(() => this.checkStalled(), STALLED_AFTER_MS / 6).unref();
  }

  /** Whether partitions could be read in this session. */
  get hasFetched(): boolean {
    return this.fetches.hasFetched;
  }

  /** Ends the session with a reason. */
  fail(reason: unknown): void {
    this.settleFailed(reason);
  }

  /** Waits up to `withinMs` for the batches that are being handled, leaves the group and closes the connections. */
  close(withinMs: number): Promise<void> {
    this.closing ??= this.drain(withinMs);
    return this.closing;
  }

  /** Resolves once no batch is being handled. */
  async whenIdle(): Promise<void> {
    await Promise.all([...this.inFlight].map(({ done }) => done));
  }

  /** Continues to read at this offset, whatever is being handled. */
  seek({ topic, partition, offset }: TopicPartition & { offset: bigint }): void {
    this.kafkajs.seek({ topic: this.prefix.add(topic), partition, offset: String(offset) });
  }

  /** @throws LogError retryable if the partition is not assigned, or the group is rebalancing */
  async commit({ topic, partition, offset }: TopicPartition & { offset: bigint }): Promise<void> {
    // The coordinator would accept an offset for a partition that another member owns by now.
    if (!this.isAssigned({ topic, partition })) {
      throw new LogError('UNAVAILABLE', `${topic}/${partition} is not assigned to this consumer`, true);
    }
    await this.kafkajs.commitOffsets([{ topic: this.prefix.add(topic), partition, offset: String(offset) }]);
  }

  pause({ topic, partition }: TopicPartition): void {
    this.whileRunning(() => this.kafkajs.pause([{ topic: this.prefix.add(topic), partitions: [partition] }]));
  }

  resume({ topic, partition }: TopicPartition): void {
    this.whileRunning(() =>
      this.kafkajs.resume([{ topic: this.prefix.add(topic), partitions: [partition] }]),
    );
  }

  /** kafkajs throws after a crash; the next session applies the pauses again. */
  private whileRunning(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.options.logger.debug({ err: error }, 'consumer session has ended');
    }
  }

  private async drain(withinMs: number): Promise<void> {
    clearInterval(this.watchdog);
    this.stopWork();
    const timeout = new AbortController();
    const isDrained = await Promise.race([
      this.leave().then(() => true),
      sleep(withinMs, timeout.signal).then(() => false),
    ]);
    timeout.abort();
    if (!isDrained) this.options.logger.warn({ withinMs }, 'consumer closed before its batches were handled');
    this.client.kill();
    this.fetches[Symbol.dispose]();
    this.fail(new LogError('CLOSED', 'the consumer is closed', false));
  }

  private async leave(): Promise<void> {
    try {
      await this.kafkajs.disconnect();
    } catch (error) {
      this.options.logger.debug({ err: error }, 'cannot leave the consumer group');
    }
  }

  private isAssigned({ topic, partition }: TopicPartition): boolean {
    return this.assigned.some((one) => one.topic === topic && one.partition === partition);
  }

  private listen(): void {
    const { kafkajs, client } = this;
    kafkajs.on('consumer.group_join', ({ payload }) => {
      this.noteActivity();
      this.assigned = Object.entries(payload.memberAssignment).flatMap(([topic, partitions]) =>
        partitions.map((partition) => ({ topic: this.prefix.remove(topic), partition })),
      );
      this.stopWork();
      this.options.onAssigned(this.assigned);
    });
    kafkajs.on('consumer.crash', ({ payload }) => this.fail(payload.error));
    kafkajs.on('consumer.rebalancing', () => this.stopWork());
    // kafkajs would keep using the connection on which a request timed out.
    kafkajs.on('consumer.network.request_timeout', ({ payload }) => client.dropSockets(payload.broker));
    kafkajs.on('consumer.fetch', () => this.noteActivity());
    kafkajs.on('consumer.heartbeat', () => this.noteActivity());
  }

  private async handle(payload: EachBatchPayload): Promise<void> {
    const fetched = carried(payload.batch.messages[0]);
    if (!fetched) return;
    const { topic, partition } = this.partitionOf(payload);
    const cutBytes = cutBatchBytes(fetched.bytes);
    if (cutBytes !== undefined) {
      this.fetches.want(payload.batch.topic, partition, cutBytes);
      return;
    }
    let finish = (): void => undefined;
    const done = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const work: Work = { topic, partition, stop: new AbortController(), done };
    this.inFlight.add(work);
    const heartbeats = setInterval(() => void this.heartbeat(payload), this.heartbeatMs);
    try {
      await this.options.onFetched({ topic, partition }, fetched, this.workContext(payload, work));
    } catch (error) {
      // After a rebalance kafkajs joins again by itself. Any other error ends the session.
      if (!isRebalance(error)) this.fail(error);
      throw error;
    } finally {
      clearInterval(heartbeats);
      this.inFlight.delete(work);
      finish();
      this.noteActivity();
    }
  }

  private partitionOf({ batch }: EachBatchPayload): TopicPartition {
    return { topic: this.prefix.remove(batch.topic), partition: batch.partition };
  }

  private workContext(payload: EachBatchPayload, work: Work): WorkContext {
    const { signal } = work.stop;
    return {
      signal,
      heartbeat: () => this.heartbeat(payload),
      advance: async (nextOffset) => {
        const { topic, partition } = work;
        payload.resolveOffset(String(nextOffset - 1n));
        this.options.onAdvanced({ topic, partition }, nextOffset);
        // The coordinator would accept an offset for a partition that another member owns by now.
        if (this.options.commits && this.isAssigned(work))
          await this.commitWithin(payload, { topic, partition, offset: nextOffset });
      },
      shouldStop: () =>
        signal.aborted || !payload.isRunning() || payload.isStale() || this.options.isPaused(work),
    };
  }

  /** kafkajs sends a heartbeat only when one is due. */
  private async heartbeat(payload: EachBatchPayload): Promise<void> {
    try {
      await payload.heartbeat();
    } catch (error) {
      this.options.logger.debug({ err: error }, 'heartbeat failed');
      if (isRebalance(error)) this.stopWork();
    }
  }

  private async commitWithin(
    payload: EachBatchPayload,
    position: TopicPartition & { offset: bigint },
  ): Promise<void> {
    const { topic, partition, offset } = position;
    const inCluster = this.prefix.add(topic);
    const topics = [{ topic: inCluster, partitions: [{ partition, offset: String(offset) }] }];
    for (let attempt = 1; ; attempt += 1) {
      try {
        await payload.commitOffsetsIfNecessary({ topics });
        return;
      } catch (error) {
        if (isRebalance(error)) this.stopWork();
        if (isRebalance(error) || attempt >= COMMIT_ATTEMPTS) throw error;
        this.options.logger.debug(
          { err: error, topic, partition, attempt },
          'offset commit failed, will retry',
        );
        await sleep(backoffMs(attempt - 1, COMMIT_BACKOFF));
      }
    }
  }

  private stopWork(): void {
    for (const work of this.inFlight) work.stop.abort();
  }

  private noteActivity(): void {
    this.lastActivityMs = performance.now();
  }

  private checkStalled(): void {
    const idleMs = performance.now() - this.lastActivityMs;
    if (this.inFlight.size > 0 || idleMs < STALLED_AFTER_MS) return;
    this.fail(
      new LogError('TIMED_OUT', `the consumer showed no activity for ${Math.round(idleMs)} ms`, true),
    );
  }
}

/** The failure of a session as a {@link LogError}. */
export function sessionFailure(reason: unknown): LogError {
  return toLogError(reason, 'consumer session failed');
}
