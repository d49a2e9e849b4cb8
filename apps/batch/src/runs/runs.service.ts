import { ADMIN, HealthChecks, LOGGER, LogConsumerMetrics } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import type { Admin } from '@hailstream/log';
import { RateLimitedLogger } from '@hailstream/service/rate-limited-logger';
import { backoffMs } from '@hailstream/service/backoff';
import { sleep } from '@hailstream/service/timers';
import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { SchemaMigrator } from '../database/schema-migrator.service.js';
import { isTransient } from '../load/load.errors.js';
import type { LoadResult } from '../load/load-result.js';
import { LoadRunner } from '../load/load-runner.service.js';
import { NextStart, type Clocks } from '../schedule/next-start.js';
import type { Schedule } from '../schedule/schedule.js';
import { LoadHealth } from './load-health.js';
import { RunMetrics } from './run-metrics.service.js';
import { RunHistory, statusOf, type RunRecord } from './run-record.js';

/** Injects the {@link Schedule} of the loads. */
export const SCHEDULE = Symbol('Schedule');

/** Interval at which the clocks are read while waiting for a start: the wall clock may be set meanwhile. */
const CLOCK_POLL_MS = 1_000;
/** Wait before the migrations are retried. */
const MIGRATE_RETRY_MS = 2_000;
/**
 * Maximum time of each task that follows a load. Events of many days, which a provider may send, take minutes to aggregate; rows of
 * other providers do not wait for that.
 */
const FOLLOW_UP_MS = 15_000;
/** Waits before a failed load is retried: doubled with each failure. The schedule may start the load earlier. */
const RETRY_BACKOFF = { firstMs: 2_000, maxMs: 60_000 };

/** Runs loads on a schedule, one at a time. */
@Injectable()
export class RunsService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly history = new RunHistory();
  private readonly stop = new AbortController();
  private readonly health = new LoadHealth('loads');
  private readonly rebuilds = new LoadHealth('rebuilds of trips');
  private readonly logger: Logger;
  private readonly failureLogger: RateLimitedLogger;
  private done: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly runner: LoadRunner,
    private readonly migrator: SchemaMigrator,
    @Inject(SCHEDULE) private readonly schedule: Schedule,
    private readonly metrics: RunMetrics,
    private readonly logMetrics: LogConsumerMetrics,
    @Inject(ADMIN) admin: Admin,
    healthChecks: HealthChecks,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.logger = logger.child({ component: 'runs' });
    this.failureLogger = new RateLimitedLogger(this.logger);
    healthChecks.register('postgres', () => migrator.check());
    healthChecks.register('log', () => requireBroker(admin));
    healthChecks.register('loads', () => this.health.check(readClocks()));
    healthChecks.register('trips', () => this.rebuilds.check(readClocks()));
  }

  get latest(): readonly RunRecord[] {
    return this.history.latest;
  }

  onApplicationBootstrap(): void {
    this.done = this.keepRunning();
  }

  /** Chunks that are being written are committed or rolled back. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stop.abort();
    await this.done;
    this.failureLogger.stop();
  }

  private async keepRunning(): Promise<void> {
    const { signal } = this.stop;
    await this.migrate();
    for (let last: Clocks | undefined; !signal.aborted;) {
      last = await this.waitForNextStart(last);
      if (signal.aborted) return;
      await this.runOnce();
    }
  }

  /** Waits for the schedule, or less if the last load failed. Returns the time of the start. */
  private async waitForNextStart(last: Clocks | undefined): Promise<Clocks> {
    const { signal } = this.stop;
    const next = new NextStart(this.schedule, last, readClocks());
    const retryAtMs = performance.now() + this.retryMs();
    for (;;) {
      const now = readClocks();
      const leftMs = Math.min(next.remainingMs(now), retryAtMs - now.monotonicMs);
      if (leftMs <= 0 || signal.aborted) return now;
      await sleep(Math.min(leftMs, CLOCK_POLL_MS), signal);
    }
  }

  /** The tables exist before the first load, so that queries do not fail. */
  private async migrate(): Promise<void> {
    while (!this.stop.signal.aborted) {
      try {
        await this.migrator.migrate();
        return;
      } catch (error) {
        this.logFailure(error, 'migrations failed, will retry');
        await sleep(MIGRATE_RETRY_MS, this.stop.signal);
      }
    }
  }

  private retryMs(): number {
    const { failures, isTransient: mayPass } = this.health;
    if (failures === 0) return Infinity;
    return mayPass ? backoffMs(failures - 1, RETRY_BACKOFF) : RETRY_BACKOFF.maxMs;
  }

  private async runOnce(): Promise<void> {
    this.history.begin(Date.now());
    try {
      const result = await this.runner.load(this.stop.signal, {
        followUpMs: FOLLOW_UP_MS,
        onCounted: (partition, counts) => this.metrics.counted(partition, counts),
        onGap: (gap) => this.logMetrics.countGap(gap),
        onUndecodable: (batch) => this.logMetrics.countUndecodable(batch),
        onRebuildFailed: (error) => this.noteRebuildFailure(error),
      });
      this.history.succeed(result, Date.now());
      this.metrics.succeeded(result, Date.now());
      this.logResult(result, this.health.failures);
      this.health.succeeded();
      if (result.rebuiltTrips !== undefined) this.rebuilds.succeeded();
    } catch (error) {
      const reason = reasonOf(error);
      this.history.fail(reason, Date.now());
      if (this.stop.signal.aborted) {
        this.logger.info({ reason }, 'load stopped');
        return;
      }
      this.metrics.failed(error);
      this.health.failed({ reason, isTransient: isTransient(error) }, performance.now());
      this.logFailure(error, 'load failed, will retry from the stored positions');
    }
  }

  private noteRebuildFailure(error: unknown): void {
    this.metrics.rebuildFailed();
    // A rebuild always may succeed later: the next load brings other events.
    this.rebuilds.failed({ reason: reasonOf(error), isTransient: true }, performance.now());
  }

  private logResult(result: LoadResult, failures: number): void {
    const { topics, ...counts } = result;
    const fields = { ...counts, ...(failures > 0 && { failures }) };
    if (statusOf(result) === 'succeeded') return this.logger.info(fields, 'load completed');
    const lostByPartition = Object.fromEntries(
      Object.entries(topics)
        .filter(([, { lost }]) => lost > 0)
        .map(([topic, each]) => [topic, each.lostByPartition]),
    );
    this.logger.error(
      { ...fields, lostByPartition },
      'load completed, but the log had deleted records before they were loaded',
    );
  }

  private logFailure(error: unknown, message: string): void {
    this.failureLogger[isTransient(error) ? 'warn' : 'error']({ err: error }, message);
  }
}

async function requireBroker(admin: Admin): Promise<void> {
  if (!(await admin.ping())) throw new Error('no broker responds');
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function readClocks(): Clocks {
  return { wallMs: Date.now(), monotonicMs: performance.now() };
}
