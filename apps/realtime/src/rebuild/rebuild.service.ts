import { performance } from 'node:perf_hooks';
import { eventRegistry } from '@hailstream/events';
import type { ServiceStatus } from '@hailstream/events/live';
import {
  LogError,
  type Admin,
  type BatchConsumer,
  type ConsumerGap,
  type OffsetPolicy,
  type PartitionLag,
  type LogRange,
  type RangeRead,
  type RangeReader,
  type TopicIdentity,
} from '@hailstream/log';
import { ADMIN, HealthChecks, LOGGER, RANGE_READER, waitForLog } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { backoffMs } from '@hailstream/service/backoff';
import { sleep } from '@hailstream/service/timers';
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { FeedsService } from '../feeds/feeds.service.js';
import { CityState } from '../fold/city-state.js';
import { KEYFRAME_RECORDS } from '../archive/keyframe.js';
import { KeyframesService, type Restored } from '../keyframes/keyframes.service.js';
import { sliceTimes } from '../keyframes/slices.js';
import { decoders } from '../log/decode.js';
import { FoldService } from '../log/fold.service.js';
import { LogPositions } from '../log/positions.js';
import { Stalls, type Stall } from '../log/stalls.js';
import { RealtimeMetrics } from '../metrics/realtime-metrics.service.js';
import { LogLoss } from './log-loss.js';
import { describeStatus, logStatus } from './log-status.js';
import { notRebuilt } from './rebuild.errors.js';

/** Injects how far back the log is read at start, in milliseconds. */
export const REBUILD_MS = Symbol('RebuildMs');

const RETRY = { firstMs: 200, maxMs: 3_000 };

/** How often the identities of the topics are compared with those that the city was folded from. */
const IDENTITY_CHECK_MS = 5_000;

const PROGRESS_LOG_MS = 5_000;

/** How often stalls are checked for, and the end of the rebuild until it is complete. */
const WATCH_INTERVAL_MS = 100;
const COMPLETE_INTERVAL_MS = 10;

/** A topic that is missing for this long is created. Until then, the administrator who deleted it may create it. */
const MISSING_TOPIC_PATIENCE_MS = 30_000;

/** The log from a time on. */
interface OpenedLog {
  readonly since: number;
  readonly read: RangeRead;
  readonly restored: Restored | null;
}

/**
 * Rebuilds the city from the log at start and whenever the log was replaced, and reports whether the city is complete and
 * up to date.
 */
@Injectable()
export class RebuildService implements OnModuleDestroy {
  private readonly stop = new AbortController();
  private readonly logger: Logger;
  private readonly loss = new LogLoss();
  private readonly stalls = new Stalls();
  private failure: Error | null = null;
  private consumer: BatchConsumer | null = null;
  /** Whether the consumer has been assigned its partitions since the last rebuild. */
  private hasFollowed = false;
  /** The topics that the city is folded from. */
  private identities: ReadonlyMap<string, TopicIdentity> = new Map();
  private stalled: readonly Stall[] = [];
  private healthyAt = Date.now();
  private missingSince: number | null = null;
  private watching: Promise<void> = Promise.resolve();
  /** Called each time that the city is complete after a rebuild. */
  onComplete: () => void = () => undefined;

  constructor(
    @Inject(ADMIN) private readonly admin: Admin,
    @Inject(RANGE_READER) private readonly reader: RangeReader,
    @Inject(REBUILD_MS) private readonly rebuildMs: number,
    @Inject(LOGGER) logger: Logger,
    private readonly positions: LogPositions,
    private readonly city: CityState,
    private readonly feeds: FeedsService,
    private readonly foldService: FoldService,
    private readonly keyframes: KeyframesService,
    private readonly metrics: RealtimeMetrics,
    healthChecks: HealthChecks,
  ) {
    this.logger = logger.child({ component: 'rebuild' });
    healthChecks.register('rebuild', () => {
      if (!this.isRebuilt) throw new Error(this.describe() ?? 'rebuilding');
    });
    healthChecks.register('progress', () => {
      const { status } = this;
      if (status.kind === 'stalled') throw new Error(status.reason);
    });
    metrics.setLag(() => this.lagRecords);
  }

  /** Whether the city is complete and up to date with the log. */
  get status(): ServiceStatus {
    const { positions } = this;
    return logStatus({
      isRebuilt: this.isRebuilt,
      progress: positions.progress,
      hasRanges: positions.hasRanges,
      failure: this.failure?.message ?? null,
      isReading: this.consumer?.healthy ?? null,
      stalls: this.stalled,
      healthyAt: this.healthyAt,
    });
  }

  /** Records that are in the log and not folded yet: the consumer's lag, or what is left of the rebuild. */
  get lagRecords(): bigint {
    return this.lag().reduce((sum, { records }) => sum + records, 0n);
  }

  /** Whether the log was read up to where it ended at start, and the consumer reads what follows. */
  get isComplete(): boolean {
    return this.positions.isCaughtUp && this.hasFollowed;
  }

  /** @throws ProblemError 503 with the progress made, until the city is rebuilt */
  requireRebuilt(): void {
    if (this.isRebuilt) return;
    throw notRebuilt(this.status, { detail: this.describe() ?? 'rebuilding', ...this.positions.progress });
  }

  /** Sets the consumer that reads the log from now on. */
  follow(consumer: BatchConsumer): void {
    this.consumer = consumer;
  }

  /**
   * Waits until the log is reachable, then restores the newest keyframe and folds the records that follow it, up to where
   * the log ends when it starts; without a keyframe, the records of the last `rebuildMs`. Returns where the consumer
   * continues; `null` if the service was closed.
   */
  async begin(): Promise<OffsetPolicy | null> {
    const opened = await this.openLog();
    if (opened === null) return null;
    this.watching = this.watch();
    await this.keyframes.start(opened.read.ranges, opened.since, opened.restored);
    await this.readRanges(opened);
    if (this.stop.signal.aborted) return null;
    return {
      kind: 'everything-since',
      timestampMs: opened.since,
      position: (topic, partition) => this.positions.nextOffset(topic, partition),
    };
  }

  /**
   * Rebuilds whenever the log was lost or recreated: `restart` stops the consumer, calls back, and starts a consumer at the
   * positions that {@link begin} returns. Resolves once the service is closed.
   */
  async startOverWhenLost(restart: (whileStopped: () => void) => Promise<void>): Promise<void> {
    for (;;) {
      const reason = await this.loss.next(this.stop.signal);
      if (reason === null) return;
      this.logger.error({ reason }, 'log lost or recreated, rebuilding from what it contains now');
      this.metrics.countLostLog();
      await this.watching;
      await this.keyframes.abandon(reason);
      this.positions.clear();
      this.consumer = null;
      this.hasFollowed = false;
      await restart(() => {
        // The consumer may have folded its last batches since positions were cleared above.
        this.positions.clear();
        this.city.clear();
        this.feeds.clear();
      });
    }
  }

  /** Notes a position of the consumer that is beyond the end of the log: the log lost its end or is another one. */
  noteLostEnd({ topic, partition, expected, found }: ConsumerGap): void {
    this.loss.add(
      `${topic}-${partition} ends before offset ${expected}, the consumer would continue at ${found}`,
    );
  }

  async onModuleDestroy(): Promise<void> {
    this.stop.abort();
    await this.watching;
  }

  private get isRebuilt(): boolean {
    return this.isComplete && this.city.summary(null) !== null;
  }

  private lag(): readonly PartitionLag[] {
    return this.consumer === null ? this.positions.lag() : this.consumer.lag();
  }

  private openLog(): Promise<OpenedLog | null> {
    return waitForLog(
      async () => {
        const since = Date.now() - this.rebuildMs;
        this.keyframes.open();
        await this.admin.ensureTopics(eventRegistry.topics);
        const identities = await this.currentIdentities();
        const restored = await this.keyframes.find(identities);
        const read = await this.openRanges(
          [...decoders.keys()].flatMap((topic) => rangesOf(topic, { since, restored, identities })),
        );
        this.identities = identities;
        restored?.restore();
        this.positions.begin(read.ranges);
        this.loss.clear();
        this.stalls.clear();
        this.stalled = [];
        this.failure = null;
        const from = restored?.header.writtenAt ?? since;
        this.logger.info(
          { since: from, records: String(this.positions.progress.of) },
          'rebuilding from the log',
        );
        return { since: from, read, restored };
      },
      { signal: this.stop.signal, onFailure: (error) => this.noteFailure(error) },
    );
  }

  /** Folds the ranges. Resumes after a failure, and ends early if the log was lost or the service is closed. */
  private async readRanges({ since, read: first }: OpenedLog): Promise<void> {
    const slices = this.slicesSince(since);
    let read: RangeRead | null = slices.length === 0 ? first : null;
    for (let retry = 0; !this.stop.signal.aborted && !this.loss.isFound; retry += 1) {
      try {
        const rest = this.rest(slices[0]);
        if (rest.length > 0 || read !== null) await this.foldRange(read ?? (await this.openRanges(rest)));
        read = null;
        if (slices.shift() === undefined) return;
        await this.keyframes.writeBetweenSlices();
        retry = -1;
      } catch (error) {
        if (this.stop.signal.aborted) return;
        this.noteReadFailure(error);
        read = null;
        if (!this.loss.isFound) await sleep(backoffMs(retry, RETRY), this.stop.signal);
      }
    }
  }

  /** The times at which reading pauses for a keyframe. */
  private slicesSince(since: number): number[] {
    if (!this.keyframes.isEnabled) return [];
    const records = this.positions.progress.of;
    return sliceTimes({ since, now: Date.now(), records, recordsPerSlice: KEYFRAME_RECORDS });
  }

  /** What is left to read, up to the records that were received at `until`. */
  private rest(until: number | undefined): LogRange[] {
    return this.positions.remaining().map(({ topicId, to, ...range }) => {
      const end = until === undefined ? to : { timestampMs: until };
      return withTopicId({ ...range, to: end }, topicId);
    });
  }

  private async foldRange(read: RangeRead): Promise<void> {
    for await (const batch of read) await this.foldService.fold(batch);
  }

  private openRanges(ranges: readonly LogRange[]): Promise<RangeRead> {
    return this.reader.readRange({
      ranges,
      signal: this.stop.signal,
      onGap: (gap) => this.foldService.skipGap(gap),
      onUndecodable: (batch) => this.foldService.skipUndecodable(batch),
    });
  }

  /** Logs progress, checks for stalls and for another log, and returns once the log was lost. */
  private async watch(): Promise<void> {
    const startedAt = performance.now();
    let loggedAt = startedAt;
    let checkedAt = startedAt;
    let isDone = false;
    while (!this.stop.signal.aborted && !this.loss.isFound) {
      await sleep(isDone ? WATCH_INTERVAL_MS : COMPLETE_INTERVAL_MS, this.stop.signal);
      const now = performance.now();
      this.stalled = this.stalls.observe(this.lag(), now, Date.now());
      this.hasFollowed ||= this.consumer?.healthy ?? false;
      const { status } = this;
      if (!('reason' in status) || status.reason === null) this.healthyAt = Date.now();
      if (!isDone && this.isComplete) {
        isDone = true;
        this.onComplete();
        const ms = Math.round(now - startedAt);
        this.logger.info({ ms, records: String(this.positions.progress.of) }, 'rebuilt');
      } else if (!isDone && now - loggedAt >= PROGRESS_LOG_MS) {
        loggedAt = now;
        this.logger.info(this.describe());
      }
      if (now - checkedAt >= IDENTITY_CHECK_MS) {
        await this.checkIdentities();
        checkedAt = performance.now();
      }
    }
  }

  /** Compares topic ids: a recreated topic may have more records than were read of the previous one. */
  private async checkIdentities(): Promise<void> {
    try {
      for (const [topic, { clusterId, topicId }] of await this.currentIdentities()) {
        const known = this.identities.get(topic);
        if (known === undefined || (known.clusterId === clusterId && known.topicId === topicId)) continue;
        this.loss.add(
          `${topic} was recreated: its id is ${topicId} in cluster ${clusterId}, it was ${known.topicId} in cluster ${known.clusterId}`,
        );
      }
      this.failure = null;
      this.missingSince = null;
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      this.noteFailure(failure);
      this.noteMissing(failure);
    }
  }

  /** Empty in a cluster without topic ids (Kafka before 2.8): there, only offsets show that the log was lost. */
  private async currentIdentities(): Promise<ReadonlyMap<string, TopicIdentity>> {
    try {
      return await this.admin.identities([...decoders.keys()]);
    } catch (error) {
      if (error instanceof LogError && error.code === 'REFUSED') return new Map();
      throw error;
    }
  }

  /** A topic that stays missing was lost with the log: the rebuild creates it again. */
  private noteMissing(failure: Error): void {
    if (!(failure instanceof LogError) || failure.code !== 'UNKNOWN_TOPIC') return;
    const now = performance.now();
    this.missingSince ??= now;
    if (now - this.missingSince < MISSING_TOPIC_PATIENCE_MS) return;
    this.missingSince = null;
    this.loss.add(`topics are missing: ${failure.message}`);
  }

  /** @throws Error if the failure is not retryable */
  private noteReadFailure(error: unknown): void {
    if (!(error instanceof LogError)) throw error;
    if (error.code === 'LOG_TRUNCATED' || error.code === 'TOPIC_RECREATED') this.loss.add(error.message);
    else if (error.retryable) this.noteFailure(error);
    else throw error;
  }

  private describe(): string | null {
    return describeStatus(this.status, this.positions.progress);
  }

  /** Logs a failure once, not at each attempt. */
  private noteFailure(failure: Error): void {
    if (this.failure?.message === failure.message || this.stop.signal.aborted) return;
    this.failure = failure;
    this.logger.warn({ err: failure }, 'log unreachable, will retry');
  }
}

/** The ranges of a topic that follow a keyframe or, without one, a time. */
function rangesOf(
  topic: string,
  {
    since,
    restored,
    identities,
  }: {
    readonly since: number;
    readonly restored: Restored | null;
    readonly identities: ReadonlyMap<string, TopicIdentity>;
  },
): LogRange[] {
  const topicId = identities.get(topic)?.topicId;
  if (restored === null) {
    return [withTopicId({ topic, from: { timestampMs: since }, to: 'latest' }, topicId)];
  }
  return restored
    .partitions(topic)
    .map(({ partition, next }) => withTopicId({ topic, partition, from: next, to: 'latest' }, topicId));
}

/** A range of the topic with this id, so that a topic that was recreated is not read by mistake. */
function withTopicId(range: LogRange, topicId: string | undefined): LogRange {
  return topicId === undefined ? range : { ...range, topicId };
}
