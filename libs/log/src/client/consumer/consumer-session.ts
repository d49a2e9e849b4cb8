import { backoffMs } from '@hailstream/service/backoff';
import { sleep } from '@hailstream/service/timers';
import type { Consumer as Kafkajs, EachBatchPayload } from 'kafkajs';
import type { Logger } from 'pino';
import { KafkajsClient } from '../kafkajs/client.js';
import { isGroupMoved, toLogError } from '../kafkajs/errors.js';
import { carried, RawFetches, type FetchedPartition } from '../kafkajs/fetch.js';
import { LogNames } from '../kafkajs/topic-prefix.js';
import { cutBatchBytes } from '../record/record-set.js';
import type { TopicPartition } from '../record/topic-partition.js';
import type { LogConnection } from '../shared/connection.js';
import { LogError } from '../shared/errors.js';
import type { WorkContext } from './batch-worker.js';

/** Longest that a broker may take to answer what it can answer at once. */
const REQUEST_TIMEOUT_MS = 5_000;
/** Longest that a member may take to finish what it has in hand and to join again. */
const REBALANCE_TIMEOUT_MS = 60_000;
/** How often topics are looked at for new partitions. */
const METADATA_MAX_AGE_MS = 60_000;
/** Most bytes of one fetch, over all partitions. */
const FETCH_BYTES = 10 * 1024 * 1024;
/** Most partitions handled side by side. */
const CONCURRENT_PARTITIONS = 64;
const COMMIT_ATTEMPTS = 4;
const COMMIT_BACKOFF = { firstMs: 100, maxMs: 1_000 };
/** Without any sign of life from kafkajs for this long, and nothing in hand, it is taken for dead. */
const STALLED_AFTER_MS = REBALANCE_TIMEOUT_MS + 30_000;

export interface ConsumerSessionOptions {
  readonly connection: LogConnection;
  readonly logger: Logger;
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly commits: boolean;
  readonly maxPartitionBytes: number;
  readonly maxWaitMs: number;
  readonly sessionTimeoutMs: number;
  /** Whether the group has no other members. */
  readonly isAlone: boolean;
  /** Called within the join, before anything is fetched. */
  readonly onAssigned: (assigned: TopicPartition[]) => void;
  /** Handles what was fetched of a partition. Throws only if the consumer has to end. */
  readonly onFetched: (
    partition: TopicPartition,
    fetched: FetchedPartition,
    context: WorkContext,
  ) => Promise<void>;
  readonly onPassed: (partition: TopicPartition, nextOffset: bigint) => void;
  readonly isHeld: (partition: TopicPartition) => boolean;
}

interface Work extends TopicPartition {
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/** One kafkajs consumer, from joining the group until it breaks or is closed. It is never mended, only replaced. */
export class ConsumerSession {
  /** Settles, with the reason, once nothing more comes from this session. */
  readonly broken: Promise<unknown>;
  private readonly client: KafkajsClient;
  private readonly names: LogNames;
  private readonly fetches = new RawFetches();
  private readonly kafkajs: Kafkajs;
  private readonly inHand = new Set<Work>();
  private readonly heartbeatMs: number;
  private assigned: TopicPartition[] = [];
  private lastSignOfLifeMs = performance.now();
  private watchdog: NodeJS.Timeout | undefined;
  private closing: Promise<void> | undefined;
  private settleBroken!: (reason: unknown) => void;

  constructor(private readonly options: ConsumerSessionOptions) {
    const { connection, logger, groupId, sessionTimeoutMs, isAlone } = options;
    this.broken = new Promise((resolve) => {
      this.settleBroken = resolve;
    });
    this.names = new LogNames(connection.topicPrefix);
    this.heartbeatMs = Math.floor(sessionTimeoutMs / 10);
    // What a group shares out comes late where its leader has gone: once that one's session is over. Who does not wait so
    // long, and joins as somebody new, leaves one more that is gone.
    const requestTimeoutMs = REQUEST_TIMEOUT_MS + (isAlone ? 0 : sessionTimeoutMs);
    this.client = new KafkajsClient({ connection, logger, requestTimeoutMs });
    this.kafkajs = this.client.kafka.consumer({
      groupId: this.names.inCluster(groupId),
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: REBALANCE_TIMEOUT_MS,
      heartbeatInterval: this.heartbeatMs,
      maxBytesPerPartition: options.maxPartitionBytes,
      maxBytes: FETCH_BYTES,
      maxWaitTimeInMs: options.maxWaitMs,
      metadataMaxAge: METADATA_MAX_AGE_MS,
      allowAutoTopicCreation: false,
      rackId: this.fetches.rackId,
      // Which crashes kafkajs would come back from by itself is a matter of luck; a new session always does.
      retry: { retries: 2, initialRetryTime: 100, restartOnFailure: () => Promise.resolve(false) },
    });
  }

  /** Joins the group. Partitions come through `onAssigned`; so does trouble through `broken`. */
  async open(): Promise<void> {
    this.listen();
    await this.kafkajs.connect();
    // Where the group committed nothing, or something that is gone, nothing must be skipped.
    await this.kafkajs.subscribe({
      topics: this.options.topics.map((topic) => this.names.inCluster(topic)),
      fromBeginning: true,
    });
    await this.kafkajs.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: CONCURRENT_PARTITIONS,
      eachBatch: (payload) => this.handle(payload),
    });
    this.watchdog = setInterval(() => this.lookForLife(), STALLED_AFTER_MS / 6).unref();
  }

  /** Nothing more is to come of this session. */
  breakDown(reason: unknown): void {
    this.settleBroken(reason);
  }

  /** Finishes what is in hand, leaves the group and ends; after `withinMs`, without having finished. */
  close(withinMs: number): Promise<void> {
    this.closing ??= this.drain(withinMs);
    return this.closing;
  }

  /** Resolves once nothing is in hand. */
  async whenIdle(): Promise<void> {
    await Promise.all([...this.inHand].map(({ done }) => done));
  }

  /** Reading goes on at this offset, whatever is in hand. */
  seek({ topic, partition, offset }: TopicPartition & { offset: bigint }): void {
    this.kafkajs.seek({ topic: this.names.inCluster(topic), partition, offset: String(offset) });
  }

  async commit({ topic, partition, offset }: TopicPartition & { offset: bigint }): Promise<void> {
    await this.kafkajs.commitOffsets([
      { topic: this.names.inCluster(topic), partition, offset: String(offset) },
    ]);
  }

  pause({ topic, partition }: TopicPartition): void {
    this.whileRunning(() =>
      this.kafkajs.pause([{ topic: this.names.inCluster(topic), partitions: [partition] }]),
    );
  }

  resume({ topic, partition }: TopicPartition): void {
    this.whileRunning(() =>
      this.kafkajs.resume([{ topic: this.names.inCluster(topic), partitions: [partition] }]),
    );
  }

  /** Between a crash and its end kafkajs refuses to be told anything; the next session is told everything anew. */
  private whileRunning(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.options.logger.debug({ err: error }, 'the session has ended');
    }
  }

  private async drain(withinMs: number): Promise<void> {
    clearInterval(this.watchdog);
    this.stopWork(() => true);
    const timeout = new AbortController();
    const isDrained = await Promise.race([
      this.leave().then(() => true),
      sleep(withinMs, timeout.signal).then(() => false),
    ]);
    timeout.abort();
    if (!isDrained) this.options.logger.warn({ withinMs }, 'the consumer was closed before it had drained');
    this.client.kill();
    this.fetches[Symbol.dispose]();
    this.breakDown(new LogError('CLOSED', 'the consumer was closed', false));
  }

  private async leave(): Promise<void> {
    try {
      await this.kafkajs.disconnect();
    } catch (error) {
      this.options.logger.debug({ err: error }, 'leaving the group failed');
    }
  }

  private isAssigned({ topic, partition }: TopicPartition): boolean {
    return this.assigned.some((one) => one.topic === topic && one.partition === partition);
  }

  private listen(): void {
    const { kafkajs, client } = this;
    kafkajs.on('consumer.group_join', ({ payload }) => {
      this.signOfLife();
      this.assigned = Object.entries(payload.memberAssignment).flatMap(([topic, partitions]) =>
        partitions.map((partition) => ({ topic: this.names.ours(topic), partition })),
      );
      this.stopWork(() => true);
      this.options.onAssigned(this.assigned);
    });
    kafkajs.on('consumer.crash', ({ payload }) => this.breakDown(payload.error));
    kafkajs.on('consumer.rebalancing', () => this.stopWork(() => true));
    // On a connection that does not answer, nothing will; kafkajs itself would keep asking there.
    kafkajs.on('consumer.network.request_timeout', ({ payload }) => client.dropSockets(payload.broker));
    kafkajs.on('consumer.fetch', () => this.signOfLife());
    kafkajs.on('consumer.heartbeat', () => this.signOfLife());
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
    this.inHand.add(work);
    const heartbeats = setInterval(() => void this.heartbeat(payload), this.heartbeatMs);
    try {
      await this.options.onFetched({ topic, partition }, fetched, this.workContext(payload, work));
    } catch (error) {
      // Only a moved group is kafkajs's business: it joins again. All else ends the session.
      if (!isGroupMoved(error)) this.breakDown(error);
      throw error;
    } finally {
      clearInterval(heartbeats);
      this.inHand.delete(work);
      finish();
      this.signOfLife();
    }
  }

  private partitionOf({ batch }: EachBatchPayload): TopicPartition {
    return { topic: this.names.ours(batch.topic), partition: batch.partition };
  }

  private workContext(payload: EachBatchPayload, work: Work): WorkContext {
    const { signal } = work.stop;
    return {
      signal,
      heartbeat: () => this.heartbeat(payload),
      passed: async (nextOffset) => {
        const { topic, partition } = work;
        payload.resolveOffset(String(nextOffset - 1n));
        this.options.onPassed({ topic, partition }, nextOffset);
        // The group would take an offset of a partition that is another member's by now.
        if (this.options.commits && this.isAssigned(work))
          await this.commitWithin(payload, { topic, partition, offset: nextOffset });
      },
      shouldStop: () =>
        signal.aborted || !payload.isRunning() || payload.isStale() || this.options.isHeld(work),
    };
  }

  /** kafkajs sends one only when it is due, whoever asks. */
  private async heartbeat(payload: EachBatchPayload): Promise<void> {
    try {
      await payload.heartbeat();
    } catch (error) {
      this.options.logger.debug({ err: error }, 'heartbeat failed');
      if (isGroupMoved(error)) this.stopWork(() => true);
    }
  }

  private async commitWithin(
    payload: EachBatchPayload,
    position: TopicPartition & { offset: bigint },
  ): Promise<void> {
    const { topic, partition, offset } = position;
    const inCluster = this.names.inCluster(topic);
    const topics = [{ topic: inCluster, partitions: [{ partition, offset: String(offset) }] }];
    for (let attempt = 1; ; attempt += 1) {
      try {
        await payload.commitOffsetsIfNecessary({ topics });
        return;
      } catch (error) {
        if (isGroupMoved(error)) this.stopWork(() => true);
        if (isGroupMoved(error) || attempt >= COMMIT_ATTEMPTS) throw error;
        this.options.logger.debug({ err: error, topic, partition, attempt }, 'commit failed, trying again');
        await sleep(backoffMs(attempt - 1, COMMIT_BACKOFF));
      }
    }
  }

  private stopWork(matches: (work: Work) => boolean): void {
    for (const work of this.inHand) if (matches(work)) work.stop.abort();
  }

  private signOfLife(): void {
    this.lastSignOfLifeMs = performance.now();
  }

  private lookForLife(): void {
    const silentMs = performance.now() - this.lastSignOfLifeMs;
    if (this.inHand.size > 0 || silentMs < STALLED_AFTER_MS) return;
    this.breakDown(
      new LogError('TIMED_OUT', `the consumer has stalled for ${Math.round(silentMs)} ms`, true),
    );
  }
}

/** Trouble of a session in this library's terms. */
export function sessionFailure(reason: unknown): LogError {
  return toLogError(reason, 'the consumer broke down');
}
