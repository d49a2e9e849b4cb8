import { performance } from 'node:perf_hooks';
import { eventRegistry } from '@hailstream/events';
import type { ServiceStatus } from '@hailstream/events/live';
import { LogError, type Admin, type ConsumerGap, type TopicIdentity } from '@hailstream/log';
import { ADMIN, HealthChecks, LOGGER, waitForLog } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { sleep } from '@hailstream/service/timers';
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { CityState } from '../fold/city-state.js';
import { RealtimeMetrics } from '../metrics/realtime-metrics.service.js';
import { decoders } from './decode.js';
import { describeStatus, logStatus } from './log-status.js';
import { REBUILD_MS } from './log.tokens.js';
import { LogPositions, type Stall } from './positions.js';
import { notRebuilt } from './rebuild.errors.js';

/** How often the ends of the partitions are asked for: what is not being read lags all the same. */
const ENDS_REFRESH_MS = 5_000;

/** What is read: nothing of an open transaction, nor what follows it in its partition. */
const COMMITTED = { isolation: 'read_committed' } as const;

/** How often progress is told. */
const PROGRESS_LOG_MS = 5_000;

/** How often it is looked at how reading goes. */
const WATCH_EVERY_MS = 100;

/** A topic that was deleted is made again after so long: whoever deleted it may want to make it themselves. */
const MISSING_TOPIC_PATIENCE_MS = 30_000;

/** Whether the consumer reads now. */
interface Reader {
  readonly healthy: boolean;
}

/** Finds out what of the log is to be read at start, tells how far that has come, and notices when it has to start over. */
@Injectable()
export class RebuildService implements OnModuleDestroy {
  private readonly stop = new AbortController();
  private readonly logger: Logger;
  private failure: Error | null = null;
  private reader: Reader | null = null;
  /** Of the log that the city is of, by topic. */
  private identities: ReadonlyMap<string, TopicIdentity> = new Map();
  private stalls: readonly Stall[] = [];
  private missingSince: number | null = null;
  private watching: Promise<void> = Promise.resolve();
  private readonly losses = new Losses();

  constructor(
    @Inject(ADMIN) private readonly admin: Admin,
    @Inject(REBUILD_MS) private readonly rebuildMs: number,
    @Inject(LOGGER) logger: Logger,
    private readonly positions: LogPositions,
    private readonly city: CityState,
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
  }

  /** How the city stands towards the log. */
  get status(): ServiceStatus {
    const { positions, stalls } = this;
    return logStatus({
      isCaughtUp: this.isRebuilt,
      progress: positions.progress,
      hasGoals: positions.hasGoals,
      failure: this.failure?.message ?? null,
      isReading: this.reader?.healthy ?? null,
      stalls,
    });
  }

  /** Whether the log was read up to where it ended at start, and a tick has counted the city since. */
  private get isRebuilt(): boolean {
    return this.positions.isCaughtUp && this.city.summary(null) !== null;
  }

  /** @throws ProblemError 503 with the progress made, until the city is rebuilt */
  requireRebuilt(): void {
    if (this.isRebuilt) return;
    throw notRebuilt(this.status, { detail: this.describe() ?? 'rebuilding', ...this.positions.progress });
  }

  /** From now on this is what reads. */
  follow(reader: Reader): void {
    this.reader = reader;
  }

  /**
   * Waits for the log, however late it comes up, and sets the goal: where every partition ends now. Resolves to the
   * time from which records are to be read; `null` where the service was closed before.
   */
  begin(): Promise<number | null> {
    return waitForLog(
      async () => {
        const since = Date.now() - this.rebuildMs;
        await this.admin.ensureTopics(eventRegistry.topics);
        await this.setGoals(since);
        this.failure = null;
        this.watching = this.watch();
        return since;
      },
      { signal: this.stop.signal, onFailure: (error) => this.noteFailure(error) },
    );
  }

  /**
   * Starts over whenever the log turns out to be another one: `restart` stops the consumer, calls back, and starts a
   * consumer where {@link begin} says. What was folded from the lost log is forgotten. Resolves when the service is closed.
   */
  async startOverWhenLost(restart: (whileStopped: () => void) => Promise<void>): Promise<void> {
    for (;;) {
      const reason = await this.losses.next(this.stop.signal);
      if (reason === null) return;
      this.logger.error({ reason }, 'the log was lost or recreated, rebuilding from what it holds now');
      this.metrics.countLostLog();
      await this.watching;
      this.positions.clear();
      this.reader = null;
      await restart(() => {
        // Once more: the last batches of the consumer that was stopped have been folded since.
        this.positions.clear();
        this.city.clear();
      });
    }
  }

  /** The consumer stands beyond the end of the log: the log lost its end, or is another one. */
  noteLostEnd({ topic, partition, expected, found }: ConsumerGap): void {
    this.noteLoss(
      `partition ${partition} of ${topic} has nothing from offset ${expected} on: reading would go on at ${found}`,
    );
  }

  async onModuleDestroy(): Promise<void> {
    this.stop.abort();
    await this.watching;
  }

  private noteLoss(reason: string): void {
    this.losses.add(reason);
  }

  private async setGoals(since: number): Promise<void> {
    // Asked for first: if the log is replaced in between, this is noticed.
    const identities = await this.identitiesNow();
    const found = await Promise.all(
      [...decoders.keys()].map(async (topic) => ({
        topic,
        starts: await this.admin.offsetsAt(topic, since),
        ends: await this.admin.offsets(topic, COMMITTED),
      })),
    );
    this.positions.clear();
    this.losses.clear();
    this.stalls = [];
    this.identities = identities;
    for (const { topic, starts, ends } of found) {
      for (const [partition, { latest }] of ends) {
        this.positions.begin(topic, partition, { start: starts.get(partition) ?? latest, end: latest });
      }
    }
    this.logger.info({ since, records: String(this.positions.progress.of) }, 'rebuilding from the log');
  }

  /** Tells progress until all is read, keeps asking where the log ends, and ends once the log was lost. */
  private async watch(): Promise<void> {
    const startedAt = performance.now();
    let toldAt = startedAt;
    let refreshedAt = startedAt;
    let isDone = false;
    while (!this.stop.signal.aborted && !this.losses.some) {
      await sleep(WATCH_EVERY_MS, this.stop.signal);
      const now = performance.now();
      this.stalls = this.positions.observe(now);
      if (!isDone && this.positions.isCaughtUp) {
        isDone = true;
        const ms = Math.round(now - startedAt);
        this.logger.info({ ms, records: String(this.positions.progress.of) }, 'rebuilt');
      } else if (!isDone && now - toldAt >= PROGRESS_LOG_MS) {
        toldAt = now;
        this.logger.info(this.describe());
      }
      if (now - refreshedAt >= ENDS_REFRESH_MS) {
        await this.refreshEnds();
        refreshedAt = performance.now();
      }
    }
  }

  private async refreshEnds(): Promise<void> {
    try {
      for (const topic of decoders.keys()) await this.refreshEndsOf(topic);
      await this.checkIdentities();
      this.failure = null;
      this.missingSince = null;
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      this.noteFailure(failure);
      this.noteMissing(failure);
    }
  }

  private async refreshEndsOf(topic: string): Promise<void> {
    // Noted before the question: what is read while it is on its way may lie beyond the answer.
    const before = this.positions.nextOf(topic);
    for (const [partition, { latest }] of await this.admin.offsets(topic, COMMITTED)) {
      this.positions.ends(topic, partition, latest);
      this.positions.committedTo(topic, partition, latest);
      const next = before.get(partition) ?? 0n;
      if (latest < next) {
        this.noteLoss(
          `partition ${partition} of ${topic} ends at offset ${latest}, and was read up to ${next}`,
        );
      }
    }
  }

  /** A topic that was recreated may have more records by now than were read of the one before. */
  private async checkIdentities(): Promise<void> {
    for (const [topic, { clusterId, topicId }] of await this.identitiesNow()) {
      const known = this.identities.get(topic);
      if (known === undefined || (known.clusterId === clusterId && known.topicId === topicId)) continue;
      this.noteLoss(
        `${topic} is another topic: id ${topicId} in cluster ${clusterId}, was id ${known.topicId} in cluster ${known.clusterId}`,
      );
    }
  }

  /** None in a cluster that has no topic ids, Kafka before 2.8: offsets alone tell of a lost log there. */
  private async identitiesNow(): Promise<ReadonlyMap<string, TopicIdentity>> {
    try {
      return await this.admin.identities([...decoders.keys()]);
    } catch (error) {
      if (error instanceof LogError && error.code === 'REFUSED') return new Map();
      throw error;
    }
  }

  /** A topic that stays missing was lost with the log: it is created again, as at start. */
  private noteMissing(failure: Error): void {
    if (!(failure instanceof LogError) || failure.code !== 'UNKNOWN_TOPIC') return;
    const now = performance.now();
    this.missingSince ??= now;
    if (now - this.missingSince < MISSING_TOPIC_PATIENCE_MS) return;
    this.missingSince = null;
    this.noteLoss(`topics are missing: ${failure.message}`);
  }

  private describe(): string | null {
    return describeStatus(this.status, this.positions.progress);
  }

  /** Tells of a failure once, not at each attempt. */
  private noteFailure(failure: Error): void {
    if (this.failure?.message === failure.message || this.stop.signal.aborted) return;
    this.failure = failure;
    this.logger.warn({ err: failure }, 'the log does not answer');
  }
}

/** The reason why the log has to be read again, from when it is found until it is acted on. */
class Losses {
  private reason: string | null = null;
  private wake: () => void = () => undefined;

  /** The first reason is kept. */
  add(reason: string): void {
    this.reason ??= reason;
    this.wake();
  }

  clear(): void {
    this.reason = null;
  }

  get some(): boolean {
    return this.reason !== null;
  }

  /** Resolves once there is a reason; with `null` once `signal` is aborted. */
  async next(signal: AbortSignal): Promise<string | null> {
    while (this.reason === null && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    return signal.aborted ? null : this.reason;
  }
}
