import { HealthChecks, LOGGER, LogConsumerMetrics } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { backoffMs } from '@hailstream/service/backoff';
import { sleep } from '@hailstream/service/timers';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { passesByItself } from '../load/load.errors.js';
import type { LoadResult } from '../load/load-result.js';
import type { LoadRunner } from '../load/load-runner.js';
import { Trouble } from '../load/trouble.js';
import { NextStart, type Clocks } from '../schedule/next-start.js';
import type { Schedule } from '../schedule/schedule.js';
import { LoadHealth } from './load-health.js';
import { RunMetrics } from './run-metrics.service.js';
import { RunHistory, statusOf, type RunRecord } from './run-record.js';
import { LOADS, SCHEDULE } from './runs.tokens.js';

/** How often the wall clock is looked at while a start is waited for: it may be set meanwhile. */
const CLOCK_LOOK_MS = 1_000;
/** Wait before the schema is tried again where Postgres was away. */
const PREPARE_RETRY_MS = 2_000;
/** Waits before a load that failed is tried again: doubled each time, and never beyond the schedule's next. */
const RETRY_BACKOFF = { firstMs: 2_000, maxMs: 60_000 };

/** Makes loads on a schedule, one at a time: the next one is not before the last one has ended. */
@Injectable()
export class Runs implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly history = new RunHistory();
  private readonly stop = new AbortController();
  private readonly trouble = new Trouble();
  private readonly health = new LoadHealth();
  private readonly logger: Logger;
  private done: Promise<unknown> = Promise.resolve();
  private hasFailed = false;
  private isPassing = false;

  constructor(
    @Inject(LOADS) private readonly loads: LoadRunner,
    @Inject(SCHEDULE) private readonly schedule: Schedule,
    private readonly metrics: RunMetrics,
    private readonly logMetrics: LogConsumerMetrics,
    healthChecks: HealthChecks,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.logger = logger.child({ component: 'runs' });
    healthChecks.register('postgres', () => loads.checkPostgres());
    healthChecks.register('log', () => loads.checkLog());
    healthChecks.register('loads', () => this.health.check(performance.now()));
  }

  get latest(): readonly RunRecord[] {
    return this.history.latest;
  }

  onApplicationBootstrap(): void {
    this.done = this.keepRunning();
  }

  /** The chunks in hand are finished or rolled back. */
  async onApplicationShutdown(): Promise<void> {
    this.stop.abort();
    await this.done;
    await this.loads[Symbol.asyncDispose]();
  }

  private async keepRunning(): Promise<void> {
    const { signal } = this.stop;
    await this.prepare();
    for (let last: Clocks | undefined; !signal.aborted;) {
      last = await this.untilNextStart(last);
      if (signal.aborted) return;
      await this.runOnce();
    }
  }

  /** Waits for the schedule, or less if the last load failed. */
  private async untilNextStart(last: Clocks | undefined): Promise<Clocks> {
    const { signal } = this.stop;
    const next = new NextStart(this.schedule, last, readClocks());
    const retryAtMs = performance.now() + (this.hasFailed ? this.retryMs() : Infinity);
    for (;;) {
      const now = readClocks();
      const leftMs = Math.min(next.remainingMs(now), retryAtMs - now.monotonicMs);
      if (leftMs <= 0 || signal.aborted) return now;
      await sleep(Math.min(leftMs, CLOCK_LOOK_MS), signal);
    }
  }

  /** So that whoever asks finds tables, even before the first load. */
  private async prepare(): Promise<void> {
    while (!this.stop.signal.aborted) {
      try {
        await this.loads.prepare();
        this.trouble.ended();
        return;
      } catch (error) {
        this.tellOf(error, 'the schema could not be brought up to date, and is tried again');
        await sleep(PREPARE_RETRY_MS, this.stop.signal);
      }
    }
  }

  /** What somebody has to resolve may be resolved at any moment; what passes by itself, soon. */
  private retryMs(): number {
    return this.isPassing ? backoffMs(this.trouble.failures - 1, RETRY_BACKOFF) : RETRY_BACKOFF.maxMs;
  }

  private async runOnce(): Promise<void> {
    this.history.begin(Date.now());
    this.hasFailed = false;
    try {
      const result = await this.loads.load(this.stop.signal, {
        onCounted: (partition, counts) => this.metrics.counted(partition, counts),
        onGap: (gap) => this.logMetrics.countGap(gap),
        onUndecodable: (batch) => this.logMetrics.countUndecodable(batch),
      });
      this.history.succeed(result, Date.now());
      this.metrics.succeeded(result, Date.now());
      this.health.succeeded();
      this.tellResult(result, this.trouble.ended());
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.history.fail(reason, Date.now());
      if (this.stop.signal.aborted) {
        this.logger.info({ reason }, 'the load was stopped');
        return;
      }
      this.hasFailed = true;
      this.isPassing = passesByItself(error);
      this.metrics.failed(error);
      this.health.failed({ reason, passesByItself: this.isPassing }, performance.now());
      this.tellOf(error, 'the load failed; the next one goes on where the database says');
    }
  }

  private tellResult(result: LoadResult, failures: number): void {
    const { topics, ...counts } = result;
    const fields = { ...counts, ...(failures > 0 && { failures }) };
    if (statusOf(result) === 'succeeded') return this.logger.info(fields, 'loaded');
    const lostByPartition = Object.fromEntries(
      Object.entries(topics)
        .filter(([, { lost }]) => lost > 0)
        .map(([topic, each]) => [topic, each.lostByPartition]),
    );
    this.logger.error(
      { ...fields, lostByPartition },
      'loaded, but records were deleted before they were loaded',
    );
  }

  /** What lasts is said once and then now and then: a schedule may have a load each second. */
  private tellOf(error: unknown, what: string): void {
    const level = passesByItself(error) ? 'warn' : 'error';
    const isTold = this.trouble.failed(performance.now());
    this.logger[isTold ? level : 'debug']({ err: error, failures: this.trouble.failures }, what);
  }
}

function readClocks(): Clocks {
  return { wallMs: Date.now(), monotonicMs: performance.now() };
}
