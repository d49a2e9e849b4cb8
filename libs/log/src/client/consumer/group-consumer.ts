import { randomUUID } from 'node:crypto';
import { backoffMs, withJitter } from '@hailstream/service/backoff';
import { sleep } from '@hailstream/service/timers';
import { KafkaAdmin } from '../admin/kafka-admin.js';
import type { DeadLetterQueue } from '../dead-letter/dead-letter.js';
import { createDeadLetterQueue } from '../dead-letter/dead-letter-queue.js';
import { toLogError } from '../kafkajs/errors.js';
import type { FetchedPartition } from '../kafkajs/fetch.js';
import { partitionId, type TopicPartition } from '../../protocol/topic-partition.js';
import { isRetryable, LogError } from '../core/errors.js';
import { BatchWorker, type WorkContext } from './batch-worker.js';
import type {
  BatchConsumer,
  ConsumerOptions,
  ConsumerPosition,
  OffsetPolicy,
  PartitionLag,
} from './consumer.js';
import { ConsumerPositions } from './consumer-positions.js';
import { ConsumerRun } from './consumer-run.js';
import { ConsumerSession, sessionFailure } from './consumer-session.js';
import { PartitionPauses } from './partition-pauses.js';
import { PartitionReader } from './partition-reader.js';
import { RejectionReporter } from './rejection-reporter.js';
import { TopicCompaction } from './topic-compaction.js';

const DEFAULTS = {
  maxAttempts: 5,
  retryBackoffMs: 100,
  maxBatchRecords: 1_000,
  maxPartitionBytes: 1024 * 1024,
  maxWaitMs: 250,
  sessionTimeoutMs: 30_000,
  startTimeoutMs: 30_000,
};

/** Maximum time that closing waits for batches that are being handled. */
const DRAIN_TIMEOUT_MS = 30_000;
/** Maximum time that a failed session may take to end before its connections are closed. */
const DISCARD_TIMEOUT_MS = 2_000;
const REJOIN_BACKOFF = { firstMs: 200, maxMs: 5_000 };
/** Failures before the first assignment that are not logged as warnings. */
const EXPECTED_START_FAILURES = 3;
const POSITION_BACKOFF = { firstMs: 100, maxMs: 5_000 };
/** How often the consumer refreshes the ends of its partitions and looks for recreated topics. */
const REFRESH_MS = 5_000;

/** Creates a consumer; `start` connects it. */
export function createBatchConsumer(options: ConsumerOptions): BatchConsumer {
  return new GroupConsumer(options);
}

/** {@link BatchConsumer} that replaces its {@link ConsumerSession} whenever that fails, and keeps the state that outlives it. */
class GroupConsumer implements BatchConsumer {
  readonly ended: Promise<void>;
  private readonly options: ConsumerOptions & typeof DEFAULTS;
  private readonly isGroupOfOne: boolean;
  /** A group of one gets a new name for each session, so that it never waits for its previous member to time out. */
  private groupId: string;
  private readonly admin: KafkaAdmin;
  private readonly readers = new Map<string, PartitionReader>();
  private readonly compaction: TopicCompaction;
  private readonly positions: ConsumerPositions;
  private readonly pauses = new PartitionPauses(() => this.session);
  private readonly assignmentListeners: ((assigned: TopicPartition[]) => void)[] = [];
  private readonly positionListeners: ((positions: ConsumerPosition[]) => void)[] = [];
  private readonly deadLetters: DeadLetterQueue | undefined;
  private readonly rejections: RejectionReporter | undefined;
  private session: ConsumerSession | undefined;
  private assigned: readonly TopicPartition[] = [];
  private isPositioned = false;
  /** Whether a session has failed since the start. */
  private hasFailed = false;
  private run: ConsumerRun | undefined;
  private settleEnded!: (crash?: LogError) => void;
  private closed: Promise<void> | undefined;

  constructor(options: ConsumerOptions) {
    this.options = { ...DEFAULTS, ...options };
    if (options.deadLetterTopic !== undefined && options.onRejected) {
      throw new LogError('REFUSED', 'deadLetterTopic and onRejected exclude each other', false);
    }
    const { connection, logger, deadLetterTopic, onRejected } = options;
    this.isGroupOfOne = options.offsets.kind === 'everything-since';
    this.groupId = options.groupId;
    this.admin = new KafkaAdmin({ connection, logger });
    this.compaction = new TopicCompaction(this.admin, logger);
    this.positions = new ConsumerPositions(this.admin, options);
    if (deadLetterTopic !== undefined) {
      this.deadLetters = createDeadLetterQueue({ connection, logger, topic: deadLetterTopic });
    }
    if (onRejected) this.rejections = new RejectionReporter(onRejected, logger);
    this.ended = new Promise((resolve, reject) => {
      this.settleEnded = (crash) => (crash ? reject(crash) : resolve());
    });
    // An application that does not use `ended` must not end because of an unhandled rejection.
    this.ended.catch(() => undefined);
  }

  get healthy(): boolean {
    const { session, isPositioned, hasFailed } = this;
    // Otherwise, a consumer that joins again and again because it cannot read would be healthy each time.
    return session !== undefined && isPositioned && (session.hasFetched || !hasFailed);
  }

  async start(): Promise<void> {
    if (this.closed) throw new LogError('CLOSED', 'the consumer is closed', false);
    if (this.run) throw new LogError('REFUSED', 'the consumer is already started', false);
    const run = new ConsumerRun();
    this.run = run;
    run.finished = this.keepReading(run);
    const { startTimeoutMs } = this.options;
    const timeout = new AbortController();
    const failure = await Promise.race([
      run.started,
      run.finished.then(() => new LogError('CLOSED', 'the consumer was closed while it started', false)),
      sleep(startTimeoutMs, timeout.signal).then(() => startTimedOut(startTimeoutMs, run.lastFailure)),
    ]);
    timeout.abort();
    if (!failure) return;
    await this.stop(run, 0);
    throw failure;
  }

  assignment(): TopicPartition[] {
    return [...this.assigned];
  }

  onAssignment(listener: (assigned: TopicPartition[]) => void): void {
    this.assignmentListeners.push(listener);
  }

  onPositioned(listener: (positions: ConsumerPosition[]) => void): void {
    this.positionListeners.push(listener);
  }

  async commit(position: ConsumerPosition): Promise<void> {
    const { session, isPositioned } = this;
    if (!commitsManually(this.options.offsets)) {
      throw new LogError('REFUSED', "commit() requires offsets with commit: 'manual'", false);
    }
    if (!session || !isPositioned) {
      throw new LogError('UNAVAILABLE', 'the consumer has no assignment now', true);
    }
    const { topic, partition, nextOffset } = position;
    try {
      await session.commit({ topic, partition, offset: nextOffset });
    } catch (error) {
      throw toLogError(error, `cannot commit the position of ${topic}/${partition}`);
    }
    this.positions.advance({ topic, partition }, nextOffset);
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.pauses.pause(partition, 'application');
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.pauses.resume(partition, 'application');
  }

  lag(): PartitionLag[] {
    return this.positions.lag(this.assigned);
  }

  lagRecords(): bigint {
    return this.lag().reduce((sum, { records }) => sum + records, 0n);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.closed ??= this.close();
    return this.closed;
  }

  private async close(): Promise<void> {
    if (this.run) await this.stop(this.run, DRAIN_TIMEOUT_MS);
    await this.deadLetters?.[Symbol.asyncDispose]();
    this.rejections?.[Symbol.dispose]();
    if (this.isGroupOfOne) await this.deleteGroup();
    await this.admin[Symbol.asyncDispose]();
    this.settleEnded();
  }

  private async stop(run: ConsumerRun, drainMs: number): Promise<void> {
    run.stop.abort();
    this.pauses[Symbol.dispose]();
    await this.session?.close(drainMs);
    await run.finished;
    if (this.run === run) this.run = undefined;
  }

  /** Deletes the group of the last session. Kafka deletes groups without members itself, after `offsets.retention.minutes`. */
  private async deleteGroup(): Promise<void> {
    try {
      await this.admin.deleteGroups([this.groupId]);
    } catch (error) {
      this.options.logger.debug({ err: error, groupId: this.groupId }, 'cannot delete the consumer group');
    }
  }

  /** Runs one session after the other until the consumer is stopped or a failure is not retryable. */
  private async keepReading(run: ConsumerRun): Promise<void> {
    const refresh = setInterval(() => void this.refresh(), REFRESH_MS).unref();
    for (let failures = 0; !run.stop.signal.aborted; failures += 1) {
      const failure = await this.readUntilFailure(run);
      if (run.stop.signal.aborted) break;
      if (!failure.retryable) {
        this.crash(run, failure);
        break;
      }
      if (run.hasJoinedSinceFailure) failures = 0;
      run.failed(failure);
      this.hasFailed = true;
      const waitMs = withJitter(backoffMs(failures, REJOIN_BACKOFF));
      // A cluster that does not know the group yet needs a moment to choose its coordinator.
      const level = run.hasEverJoined || failures >= EXPECTED_START_FAILURES ? 'warn' : 'info';
      this.options.logger[level](
        { err: failure, groupId: this.groupId, waitMs: Math.round(waitMs) },
        'consumer session failed, will join the group again',
      );
      await sleep(waitMs, run.stop.signal);
    }
    clearInterval(refresh);
  }

  private async readUntilFailure(run: ConsumerRun): Promise<LogError> {
    const session = this.openSession(run);
    this.session = session;
    try {
      await session.open();
      return sessionFailure(await session.failed);
    } catch (error) {
      return sessionFailure(error);
    } finally {
      await session.close(DISCARD_TIMEOUT_MS);
      this.session = undefined;
      this.assigned = [];
      this.isPositioned = false;
    }
  }

  private crash(run: ConsumerRun, failure: LogError): void {
    const isCrash = failure.code === 'CONSUMER_CRASHED';
    const crash = isCrash
      ? failure
      : new LogError('CONSUMER_CRASHED', failure.message, false, { cause: failure });
    this.options.logger.error(
      { err: crash, groupId: this.groupId },
      'consumer stopped, no retry can succeed',
    );
    run.crashed(failure);
    this.settleEnded(crash);
  }

  private openSession(run: ConsumerRun): ConsumerSession {
    const { connection, logger, topics, maxPartitionBytes, maxWaitMs, sessionTimeoutMs, offsets } =
      this.options;
    if (this.isGroupOfOne) this.groupId = `${this.options.groupId}-${randomUUID()}`;
    const session: ConsumerSession = new ConsumerSession({
      connection,
      logger,
      groupId: this.groupId,
      topics,
      commits: offsets.kind === 'committed' && !commitsManually(offsets),
      maxPartitionBytes,
      maxWaitMs,
      sessionTimeoutMs,
      isGroupOfOne: this.isGroupOfOne,
      onAssigned: (assigned) => this.assign(run, session, assigned),
      onFetched: (partition, fetched, context) => this.handle(partition, fetched, context),
      onAdvanced: (partition, nextOffset) => this.positions.advance(partition, nextOffset),
      isPaused: (partition) => this.pauses.isPaused(partition),
    });
    return session;
  }

  private assign(run: ConsumerRun, session: ConsumerSession, assigned: readonly TopicPartition[]): void {
    this.assigned = assigned;
    this.isPositioned = false;
    for (const partition of assigned) this.pauses.awaitPosition(partition);
    for (const listener of this.assignmentListeners) listener([...assigned]);
    void this.position(run, session, assigned);
  }

  /** Sets the position of every assigned partition; none is fetched before all of them are known. */
  private async position(
    run: ConsumerRun,
    session: ConsumerSession,
    assigned: readonly TopicPartition[],
  ): Promise<void> {
    // Each assignment is a new array, so identity tells whether it is still the current one.
    const isCurrent = (): boolean => this.session === session && this.assigned === assigned;
    const { logger, maxAttempts } = this.options;
    for (let retry = 0; isCurrent(); retry += 1) {
      try {
        await session.whenIdle();
        const starts = await this.positions.startPositions(assigned, this.groupId);
        if (!isCurrent()) return;
        for (const start of starts) await this.positions.startAt(session, start);
        await this.positions.checkRecreatedTopics(session, assigned);
        if (!isCurrent()) return;
        for (const partition of assigned) this.pauses.resume(partition, 'positioning');
        this.isPositioned = true;
        run.joined();
        const positions = starts.map(({ topic, partition, offset }) => ({
          topic,
          partition,
          nextOffset: offset,
        }));
        for (const listener of this.positionListeners) listener(positions);
        return;
      } catch (error) {
        if (!isRetryable(error) && retry + 1 >= maxAttempts) {
          const message = `cannot determine the start positions: ${String(error)}`;
          session.fail(new LogError('CONSUMER_CRASHED', message, false, { cause: error }));
          return;
        }
        const waitMs = withJitter(backoffMs(retry, POSITION_BACKOFF));
        logger.warn(
          { err: error, waitMs: Math.round(waitMs) },
          'cannot determine the start positions, will retry',
        );
        await sleep(waitMs, run.stop.signal);
      }
    }
  }

  private async handle(
    partition: TopicPartition,
    fetched: FetchedPartition,
    context: WorkContext,
  ): Promise<void> {
    if (!fetched.isOutOfRange) this.positions.observeEnd(partition, fetched.lastStableOffset);
    const { limit } = this.options;
    const read = (): Promise<number | undefined> => this.reader(partition).read(fetched, context);
    const waitMs = await (limit ? limit.run(read) : read());
    if (waitMs !== undefined && !this.run?.stop.signal.aborted) this.pauses.backOff(partition, waitMs);
  }

  private reader(partition: TopicPartition): PartitionReader {
    const known = this.readers.get(partitionId(partition));
    if (known) return known;
    const { options, deadLetters, rejections } = this;
    const worker = new BatchWorker({ ...options, deadLetters: deadLetters ?? rejections });
    const reader = new PartitionReader({
      ...options,
      partition: { topic: partition.topic, partition: partition.partition },
      worker,
      deadLetters,
      compaction: this.compaction.of(partition.topic),
      reposition: (position) => this.positions.reposition(position),
    });
    this.readers.set(partitionId(partition), reader);
    return reader;
  }

  private async refresh(): Promise<void> {
    const { session, assigned, isPositioned } = this;
    await this.positions.refreshEnds(assigned);
    // Before the positions are set there is nothing to repair, and the topic's new identity must not count as known.
    if (session && isPositioned && this.assigned === assigned)
      await this.positions.checkRecreatedTopics(session, assigned);
  }
}

function commitsManually(offsets: OffsetPolicy): boolean {
  return offsets.kind === 'committed' && offsets.commit === 'manual';
}

function startTimedOut(startTimeoutMs: number, lastFailure: LogError | undefined): LogError {
  const reason = lastFailure?.message ?? 'no broker answered, or the group did not complete its rebalance';
  const message = `no partitions assigned within ${startTimeoutMs} ms: ${reason}`;
  return new LogError(lastFailure?.code ?? 'UNAVAILABLE', message, true, { cause: lastFailure });
}
