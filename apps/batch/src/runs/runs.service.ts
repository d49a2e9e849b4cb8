import { setTimeout as sleep } from 'node:timers/promises';
import { HealthChecks, LOGGER, type Logger } from '@hailstream/nest';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { passesByItself } from '../load/load.errors.js';
import type { Loads } from '../load/loads.js';
import { Trouble } from '../load/trouble.js';
import { nextStart, type Schedule } from '../schedule/schedule.js';
import { RunMetrics } from './run-metrics.service.js';
import { RunHistory, type RunRecord } from './run-record.js';
import { LOADS, SCHEDULE } from './runs.tokens.js';

/** Longest that a timer can be set for; a schedule may be further away. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** Wait before the schema is tried again where Postgres was away. */
const PREPARE_RETRY_MS = 2_000;
/** Waits before a load that failed of something that passes: doubled each time, and never beyond the schedule's next. */
const FIRST_RETRY_MS = 2_000;
const MAX_RETRY_MS = 60_000;

/** Makes loads on a schedule, one at a time: the next one is not before the last one has ended. */
@Injectable()
export class Runs implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly history = new RunHistory();
  private readonly stop = new AbortController();
  private readonly trouble = new Trouble();
  private readonly logger: Logger;
  private done: Promise<unknown> = Promise.resolve();

  constructor(
    @Inject(LOADS) private readonly loads: Loads,
    @Inject(SCHEDULE) private readonly schedule: Schedule,
    private readonly metrics: RunMetrics,
    healthChecks: HealthChecks,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.logger = logger.child({ component: 'runs' });
    healthChecks.register('postgres', () => loads.checkPostgres());
    healthChecks.register('log', () => loads.checkLog());
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
    let isRetry = false;
    for (let lastStartMs: number | undefined; !signal.aborted;) {
      const scheduledMs = nextStart(this.schedule, lastStartMs, Date.now());
      const startMs = isRetry
        ? Math.min(scheduledMs, Date.now() + retryMs(this.trouble.failures))
        : scheduledMs;
      await this.sleepUntil(startMs);
      if (signal.aborted) return;
      lastStartMs = startMs;
      isRetry = await this.runOnce();
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
        await this.sleepUntil(Date.now() + PREPARE_RETRY_MS);
      }
    }
  }

  /** Returns whether it failed of something that may have passed a moment later. */
  private async runOnce(): Promise<boolean> {
    this.history.begin(Date.now());
    try {
      const result = await this.loads.load(this.stop.signal);
      this.history.succeed(result, Date.now());
      this.metrics.succeeded(result, Date.now());
      const { rows, rejects, seconds } = result;
      const failures = this.trouble.ended();
      this.logger.info({ rows, rejects, seconds, ...(failures > 0 && { failures }) }, 'loaded');
      return false;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.history.fail(reason, Date.now());
      if (this.stop.signal.aborted) {
        this.logger.info({ reason }, 'the load was stopped');
        return false;
      }
      this.metrics.failed();
      this.tellOf(error, 'the load failed; the next one goes on where the database says');
      return passesByItself(error);
    }
  }

  /** What lasts is said once and then now and then: a schedule may have a load each second. */
  private tellOf(error: unknown, what: string): void {
    const level = passesByItself(error) ? 'warn' : 'error';
    const isTold = this.trouble.failed(Date.now());
    this.logger[isTold ? level : 'debug']({ err: error, failures: this.trouble.failures }, what);
  }

  private async sleepUntil(timeMs: number): Promise<void> {
    const { signal } = this.stop;
    for (let left = timeMs - Date.now(); left > 0 && !signal.aborted; left = timeMs - Date.now()) {
      // Rejects only where it is told to stop.
      await sleep(Math.min(left, MAX_TIMER_MS), undefined, { signal }).catch(() => {});
    }
  }
}

function retryMs(failures: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), MAX_RETRY_MS);
}
