import { setTimeout as pause } from 'node:timers/promises';
import { allTopics } from '@hailstream/events';
import type { Admin } from '@hailstream/log';
import { HealthChecks, LOGGER, type Logger } from '@hailstream/nest';
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { decoders } from './decode.js';
import { ADMIN, REBUILD_MS } from './log.tokens.js';
import { LogPositions } from './positions.js';

const FIRST_RETRY_MS = 200;
const MAX_RETRY_MS = 3_000;

/** How often the ends of the partitions are asked for: what is not being read lags all the same. */
const ENDS_REFRESH_MS = 5_000;

/** What is read: nothing of an open transaction, nor what follows it in its partition. */
const COMMITTED = { isolation: 'read_committed' } as const;

/** How often progress is told. */
const PROGRESS_LOG_MS = 5_000;

/** Finds out what of the log is to be read at start, and tells how far that has come. */
@Injectable()
export class RebuildService implements OnModuleDestroy {
  private readonly stop = new AbortController();
  private readonly logger: Logger;
  private failure: Error | null = null;
  private watching: Promise<void> = Promise.resolve();

  constructor(
    @Inject(ADMIN) private readonly admin: Admin,
    @Inject(REBUILD_MS) private readonly rebuildMs: number,
    @Inject(LOGGER) logger: Logger,
    private readonly positions: LogPositions,
    healthChecks: HealthChecks,
  ) {
    this.logger = logger.child({ component: 'rebuild' });
    healthChecks.register('rebuild', () => {
      if (!this.positions.isCaughtUp) throw new Error(this.progress());
    });
  }

  /**
   * Waits for the log, however late it comes up, and sets the goal: where every partition ends now. Resolves to the
   * time from which records are to be read; `null` where the service was closed before.
   */
  async begin(): Promise<number | null> {
    let retryMs = FIRST_RETRY_MS;
    while (!this.stop.signal.aborted) {
      try {
        const since = Date.now() - this.rebuildMs;
        await this.admin.ensureTopics(allTopics);
        await this.setGoals(since);
        this.failure = null;
        this.watching = this.watch();
        return since;
      } catch (error) {
        this.noteFailure(error instanceof Error ? error : new Error(String(error)));
        await this.pause(retryMs);
        retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
      }
    }
    return null;
  }

  async onModuleDestroy(): Promise<void> {
    this.stop.abort();
    await this.watching;
  }

  private async setGoals(since: number): Promise<void> {
    const found = await Promise.all(
      [...decoders.keys()].map(async (topic) => ({
        topic,
        starts: await this.admin.offsetsAt(topic, since),
        ends: await this.admin.offsets(topic, COMMITTED),
      })),
    );
    for (const { topic, starts, ends } of found) {
      for (const [partition, { latest }] of ends) {
        this.positions.begin(topic, partition, { start: starts.get(partition) ?? latest, end: latest });
      }
    }
    this.logger.info({ since, records: String(this.positions.progress.of) }, 'rebuilding from the log');
  }

  /** Tells progress until all is read, and keeps asking where the log ends. */
  private async watch(): Promise<void> {
    const startedAt = Date.now();
    let toldAt = startedAt;
    let refreshedAt = startedAt;
    let isDone = false;
    while (!this.stop.signal.aborted) {
      await this.pause(100);
      const now = Date.now();
      if (!isDone && this.positions.isCaughtUp) {
        isDone = true;
        this.logger.info({ ms: now - startedAt, records: String(this.positions.progress.of) }, 'rebuilt');
      } else if (!isDone && now - toldAt >= PROGRESS_LOG_MS) {
        toldAt = now;
        this.logger.info(this.progress());
      }
      if (now - refreshedAt >= ENDS_REFRESH_MS) {
        await this.refreshEnds();
        refreshedAt = Date.now();
      }
    }
  }

  private async refreshEnds(): Promise<void> {
    try {
      for (const topic of decoders.keys()) {
        for (const [partition, { latest }] of await this.admin.offsets(topic, COMMITTED)) {
          this.positions.ends(topic, partition, latest);
        }
      }
      this.failure = null;
    } catch (error) {
      this.noteFailure(error instanceof Error ? error : new Error(String(error)));
    }
  }

  private progress(): string {
    const { folded, of } = this.positions.progress;
    if (of > 0n) return `${folded} of the ${of} records that were in the log at start are read`;
    return `the log does not answer yet${this.failure === null ? '' : `: ${this.failure.message}`}`;
  }

  /** Tells of a failure once, not at each attempt. */
  private noteFailure(failure: Error): void {
    if (this.failure?.message === failure.message || this.stop.signal.aborted) return;
    this.failure = failure;
    this.logger.warn({ err: failure }, 'the log does not answer');
  }

  private async pause(ms: number): Promise<void> {
    await pause(ms, undefined, { signal: this.stop.signal }).catch(() => undefined);
  }
}
