import { randomUUID } from 'node:crypto';
import { backoffMs, withJitter } from '@hailstream/service/backoff';
import { sleep } from '@hailstream/service/timers';
import { KafkajsAdmin } from '../admin/kafka-admin.js';
import { DeadLetterWriter } from '../dead-letter/dead-letter.js';
import type { FetchedPartition } from '../kafkajs/fetch.js';
import { KafkajsProducer } from '../producer/batching-producer.js';
import { type TopicPartition, partitionId } from '../record/topic-partition.js';
import { LogError } from '../shared/errors.js';
import { BatchWorker, isRetryable, type WorkContext } from './batch-worker.js';
import { ConsumerSession, sessionFailure } from './consumer-session.js';
import type { BatchConsumer, ConsumerOptions } from './consumer.js';
import { PartitionReader, reportGap } from './partition-reader.js';
import { Holds, type HoldReason } from './pause-reasons.js';
import { Progress } from './progress.js';
import { TopicChanges } from './recreated-topics.js';
import { placeInLog, startPositions, type Placement, type StartPosition } from './start-positions.js';
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

/** Longest that closing waits for what is in hand. */
const DRAIN_TIMEOUT_MS = 30_000;
/** Longest that a broken session may take to end before its connections are cut. */
const DISCARD_TIMEOUT_MS = 2_000;
const REBUILD_BACKOFF = { firstMs: 200, maxMs: 5_000 };
/** Failures before the first assignment that are nothing to warn of. */
const ORDINARY_START_FAILURES = 3;
const POSITION_BACKOFF = { firstMs: 100, maxMs: 5_000 };
/** How often the ends of the assigned partitions are asked for, for the lag of what is not being read. */
const LAG_REFRESH_MS = 5_000;

/** Makes a consumer; `start` connects it. */
export function createBatchConsumer(options: ConsumerOptions): BatchConsumer {
  return new KafkajsBatchConsumer(options);
}

/** {@link BatchConsumer} over kafkajs: replaces the kafkajs consumer whenever it breaks, and keeps what outlives it. */
export class KafkajsBatchConsumer implements BatchConsumer {
  readonly ended: Promise<void>;
  private readonly options: ConsumerOptions & typeof DEFAULTS;
  private readonly isAlone: boolean;
  /** That of the session: who reads alone joins a new one each time, which has no former self to wait for. */
  private groupId: string;
  private readonly admin: KafkajsAdmin;
  private readonly readers = new Map<string, PartitionReader>();
  private readonly compaction: TopicCompaction;
  private readonly changes: TopicChanges;
  private readonly holds = new Holds();
  /** Partitions that rest after a failure, and the timers that end it. */
  private readonly rests = new Map<string, NodeJS.Timeout>();
  private readonly progress = new Progress();
  private readonly listeners: ((assigned: TopicPartition[]) => void)[] = [];
  private readonly deadLetterProducer: KafkajsProducer | undefined;
  private readonly deadLetters: DeadLetterWriter | undefined;
  private session: ConsumerSession | undefined;
  private assigned: readonly TopicPartition[] = [];
  private isPositioned = false;
  private isRefreshing = false;
  private isChangeCheckRefused = false;
  private run: Run | undefined;
  private settleEnded!: (crash?: LogError) => void;
  private closed: Promise<void> | undefined;

  constructor(options: ConsumerOptions) {
    this.options = { ...DEFAULTS, ...options };
    const { connection, logger, deadLetterTopic } = options;
    this.isAlone = options.offsets.kind === 'everything-since';
    this.groupId = options.groupId;
    this.admin = new KafkajsAdmin({ connection, logger });
    this.compaction = new TopicCompaction(this.admin, logger);
    this.changes = new TopicChanges(this.admin);
    if (deadLetterTopic !== undefined) {
      // A record that came in a compressed batch may not fit uncompressed.
      const producer = new KafkajsProducer({ connection, logger, compression: 'gzip' });
      this.deadLetterProducer = producer;
      this.deadLetters = new DeadLetterWriter({ topic: deadLetterTopic, producer, logger });
    }
    this.ended = new Promise((resolve, reject) => {
      this.settleEnded = (crash) => (crash ? reject(crash) : resolve());
    });
    // Whoever does not look at it is not to be ended by it.
    this.ended.catch(() => undefined);
  }

  get healthy(): boolean {
    return this.session !== undefined && this.isPositioned;
  }

  async start(): Promise<void> {
    if (this.closed) throw new LogError('CLOSED', 'the consumer was closed', false);
    if (this.run) throw new LogError('REFUSED', 'the consumer was started before', false);
    const run = new Run();
    this.run = run;
    run.finished = this.keepReading(run);
    const { startTimeoutMs } = this.options;
    const timeout = new AbortController();
    const failure = await Promise.race([
      run.started,
      run.finished.then(() => new LogError('CLOSED', 'the consumer was closed as it started', false)),
      sleep(startTimeoutMs, timeout.signal).then(() => notInTime(startTimeoutMs, run.lastFailure)),
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
    this.listeners.push(listener);
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.hold(partition, 'asked-for');
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.release(partition, 'asked-for');
  }

  lagRecords(): bigint {
    return this.progress.lag(this.assigned);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.closed ??= this.close();
    return this.closed;
  }

  private async close(): Promise<void> {
    if (this.run) await this.stop(this.run, DRAIN_TIMEOUT_MS);
    await this.deadLetterProducer?.[Symbol.asyncDispose]();
    if (this.isAlone) await this.forgetGroup();
    await this.admin[Symbol.asyncDispose]();
    this.settleEnded();
  }

  private async stop(run: Run, drainMs: number): Promise<void> {
    run.stop.abort();
    for (const timer of this.rests.values()) clearTimeout(timer);
    await this.session?.close(drainMs);
    await run.finished;
    if (this.run === run) this.run = undefined;
  }

  /**
   * The group of the last session of a consumer that reads alone. Kafka removes those of broken ones, and this one where
   * this fails, by itself, later.
   */
  private async forgetGroup(): Promise<void> {
    try {
      await this.admin.deleteGroups([this.groupId]);
    } catch (error) {
      this.options.logger.debug({ err: error, groupId: this.groupId }, 'the group could not be deleted');
    }
  }

  /** One session after the other, until told to stop or until none will ever work. */
  private async keepReading(run: Run): Promise<void> {
    const lagRefresh = setInterval(() => void this.refreshEnds(), LAG_REFRESH_MS).unref();
    for (let failures = 0; !run.stop.signal.aborted; failures += 1) {
      const failure = await this.readUntilBroken(run);
      if (run.stop.signal.aborted) break;
      if (!failure.retryable) {
        this.crash(run, failure);
        break;
      }
      if (run.joinedSinceFailure) failures = 0;
      run.failed(failure);
      const waitMs = withJitter(backoffMs(failures, REBUILD_BACKOFF));
      // A cluster that has just met this group takes a moment to say who coordinates it.
      const level = run.everJoined || failures >= ORDINARY_START_FAILURES ? 'warn' : 'info';
      this.options.logger[level](
        { err: failure, waitMs: Math.round(waitMs) },
        'the consumer broke, it is made anew',
      );
      await sleep(waitMs, run.stop.signal);
    }
    clearInterval(lagRefresh);
  }

  private async readUntilBroken(run: Run): Promise<LogError> {
    const session = this.openSession(run);
    this.session = session;
    try {
      await session.open();
      return sessionFailure(await session.broken);
    } catch (error) {
      return sessionFailure(error);
    } finally {
      await session.close(DISCARD_TIMEOUT_MS);
      this.session = undefined;
      this.assigned = [];
      this.isPositioned = false;
    }
  }

  private crash(run: Run, failure: LogError): void {
    const isCrash = failure.code === 'CONSUMER_CRASHED';
    const crash = isCrash
      ? failure
      : new LogError('CONSUMER_CRASHED', failure.message, false, { cause: failure });
    this.options.logger.error({ err: crash }, 'the consumer has stopped for good');
    run.crashed(failure);
    this.settleEnded(crash);
  }

  private openSession(run: Run): ConsumerSession {
    const { connection, logger, topics, maxPartitionBytes, maxWaitMs, sessionTimeoutMs, offsets } =
      this.options;
    if (this.isAlone) this.groupId = `${this.options.groupId}-${randomUUID()}`;
    const session: ConsumerSession = new ConsumerSession({
      connection,
      logger,
      groupId: this.groupId,
      topics,
      commits: offsets.kind === 'committed',
      maxPartitionBytes,
      maxWaitMs,
      sessionTimeoutMs,
      isAlone: this.isAlone,
      onAssigned: (assigned) => this.assign(run, session, assigned),
      onFetched: (partition, fetched, context) => this.handle(partition, fetched, context),
      onPassed: (partition, nextOffset) => this.progress.reach(partition, nextOffset),
      isHeld: (partition) => this.holds.isHeld(partition),
    });
    return session;
  }

  private assign(run: Run, session: ConsumerSession, assigned: readonly TopicPartition[]): void {
    this.assigned = assigned;
    this.isPositioned = false;
    for (const partition of assigned) {
      this.endRest(partition);
      this.holds.hold(partition, 'positioning');
      session.pause(partition);
    }
    for (const listener of this.listeners) listener([...assigned]);
    void this.position(run, session, assigned);
  }

  /** Until every partition stands where it should, none is read. */
  private async position(
    run: Run,
    session: ConsumerSession,
    assigned: readonly TopicPartition[],
  ): Promise<void> {
    // An assignment is an array of its own: while this one is the latest, it is the very same.
    const isLatest = (): boolean => this.session === session && this.assigned === assigned;
    const { offsets: policy, logger, maxAttempts } = this.options;
    for (let retry = 0; isLatest(); retry += 1) {
      try {
        await session.whenIdle();
        const { admin, groupId, progress } = this;
        const starts = await startPositions(assigned, {
          admin,
          policy,
          groupId,
          reached: progress.reached,
        });
        if (!isLatest()) return;
        for (const start of starts) await this.startAt(session, start);
        await this.lookForChanges();
        if (!isLatest()) return;
        for (const partition of assigned) this.release(partition, 'positioning');
        this.isPositioned = true;
        run.joined();
        return;
      } catch (error) {
        if (!isRetryable(error) && retry + 1 >= maxAttempts) {
          const message = `cannot find where to start reading: ${String(error)}`;
          session.breakDown(new LogError('CONSUMER_CRASHED', message, false, { cause: error }));
          return;
        }
        logger.warn({ err: error }, 'where to start reading is not known yet, asking again');
        await sleep(withJitter(backoffMs(retry, POSITION_BACKOFF)), run.stop.signal);
      }
    }
  }

  private async startAt(session: ConsumerSession, start: StartPosition): Promise<void> {
    const { gap, topic, partition, offset } = start;
    if (gap) {
      await reportGap(gap, this.options);
      if (gap.found > gap.expected) await this.options.onPosition?.({ topic, partition, nextOffset: offset });
    }
    this.progress.start(start, start);
    if (start.isCommitted) return;
    session.seek(start);
    // Else the next assignment would start at what is the newest record then, and skip what came in between.
    if (this.options.offsets.kind === 'committed') await session.commit(start);
  }

  private async handle(
    partition: TopicPartition,
    fetched: FetchedPartition,
    context: WorkContext,
  ): Promise<void> {
    if (!fetched.isOutOfRange) this.progress.seeEnd(partition, fetched.lastStableOffset);
    const restMs = await this.reader(partition).read(fetched, context);
    if (restMs !== undefined && !this.run?.stop.signal.aborted) this.rest(partition, restMs);
  }

  private reader(partition: TopicPartition): PartitionReader {
    const known = this.readers.get(partitionId(partition));
    if (known) return known;
    const { options, deadLetters } = this;
    const worker = new BatchWorker({ ...options, groupId: options.groupId, deadLetters });
    const reader = new PartitionReader({
      ...options,
      groupId: options.groupId,
      partition: { topic: partition.topic, partition: partition.partition },
      worker,
      deadLetters,
      isCompacted: this.compaction.of(partition.topic),
      reposition: (position) => this.reposition(position),
    });
    this.readers.set(partitionId(partition), reader);
    return reader;
  }

  private async reposition(position: TopicPartition & { readonly offset: bigint }): Promise<Placement> {
    const { topic, partition, offset } = position;
    const { admin, options } = this;
    const bounds = (await admin.offsets(topic)).get(partition) ?? { earliest: 0n, latest: 0n };
    const begin =
      options.offsets.kind === 'everything-since'
        ? (await admin.offsetsAt(topic, options.offsets.timestampMs)).get(partition)
        : undefined;
    return placeInLog(offset, { topic, partition, ...bounds, ...(begin === undefined ? {} : { begin }) });
  }

  /** Fetches nothing of one partition for a while; the others go on. */
  private rest({ topic, partition }: TopicPartition, restMs: number): void {
    this.hold({ topic, partition }, 'backoff');
    this.rests.set(
      partitionId({ topic, partition }),
      setTimeout(() => this.endRest({ topic, partition }), restMs),
    );
  }

  private endRest(partition: TopicPartition): void {
    clearTimeout(this.rests.get(partitionId(partition)));
    this.rests.delete(partitionId(partition));
    this.release(partition, 'backoff');
  }

  private hold(partition: TopicPartition, reason: HoldReason): void {
    if (this.holds.hold(partition, reason)) this.session?.pause(partition);
  }

  private release(partition: TopicPartition, reason: HoldReason): void {
    if (this.holds.release(partition, reason)) this.session?.resume(partition);
  }

  /** A group's positions are ours to repair; whoever keeps positions elsewhere compares logs there. */
  private async lookForChanges(): Promise<void> {
    if (this.options.offsets.kind !== 'committed') return;
    try {
      await this.changes.look(this.options.topics, (topic) => this.readAnew(topic));
    } catch (error) {
      // An outage passes, and the next look is a moment later; a cluster that refuses to answer is reported once.
      const level = isRetryable(error) || this.isChangeCheckRefused ? 'debug' : 'warn';
      if (!isRetryable(error)) this.isChangeCheckRefused = true;
      this.options.logger[level]({ err: error }, 'cannot detect topics that are deleted and created again');
    }
  }

  /** Reads a topic that was created again from its start, also if it has records at the positions of the old one. */
  private async readAnew(topic: string): Promise<void> {
    const { session, assigned, admin, progress, options } = this;
    options.logger.error({ topic }, 'the topic was deleted and created again: it is read from its start');
    const ends = await admin.offsets(topic);
    for (const partition of assigned.filter((each) => each.topic === topic)) {
      const end = ends.get(partition.partition);
      const expected = progress.reached.get(partitionId(partition));
      if (!session || !end || expected === undefined) continue;
      const found = end.earliest;
      await reportGap({ ...partition, expected, found, cause: 'log-end' }, options);
      progress.start(partition, { offset: found, highWatermark: end.latest });
      session.seek({ ...partition, offset: found });
      await session.commit({ ...partition, offset: found });
    }
  }

  private async refreshEnds(): Promise<void> {
    const { assigned, admin, progress, options } = this;
    // While the log hangs, one round takes longer than until the next.
    if (this.isRefreshing) return;
    this.isRefreshing = true;
    for (const topic of new Set(assigned.map(({ topic }) => topic))) {
      try {
        const ends = await admin.offsets(topic, { isolation: 'read_committed' });
        for (const [partition, { latest }] of ends) progress.seeEnd({ topic, partition }, latest);
      } catch (error) {
        options.logger.debug({ err: error, topic }, 'cannot refresh the lag');
      }
    }
    await this.lookForChanges();
    this.isRefreshing = false;
  }
}

/** One life of a consumer, from `start` to its end, over all its sessions. */
class Run {
  readonly stop = new AbortController();
  /** Resolves once partitions were assigned and positioned; with the reason, where that will never be. */
  readonly started: Promise<LogError | undefined>;
  finished: Promise<void> = Promise.resolve();
  lastFailure: LogError | undefined;
  everJoined = false;
  joinedSinceFailure = false;
  private settleStarted!: (failure?: LogError) => void;

  constructor() {
    this.started = new Promise((resolve) => {
      this.settleStarted = resolve;
    });
  }

  joined(): void {
    this.everJoined = true;
    this.joinedSinceFailure = true;
    this.settleStarted();
  }

  failed(failure: LogError): void {
    this.joinedSinceFailure = false;
    this.lastFailure = failure;
  }

  crashed(failure: LogError): void {
    this.settleStarted(failure);
  }
}

function notInTime(startTimeoutMs: number, lastFailure: LogError | undefined): LogError {
  const reason = lastFailure?.message ?? 'no broker answered, or the group did not settle';
  const message = `no partitions assigned within ${startTimeoutMs} ms: ${reason}`;
  return new LogError(lastFailure?.code ?? 'UNAVAILABLE', message, true, { cause: lastFailure });
}
