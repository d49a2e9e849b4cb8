import { LOGGER } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { sleep } from '@hailstream/service/timers';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { HISTORY_LIMITS, WORKER_OPTIONS } from '../history/history.tokens.js';
import type { WorkerOptions } from '../history/worker-protocol.js';
import { KEYFRAME_RECORDS } from '../archive/keyframe.js';
import type { HistoryEnd } from '../keyframes/history-end.js';
import { KeyframesService, type HistoryOptions } from '../keyframes/keyframes.service.js';
import { HISTORY_OPTIONS } from '../keyframes/keyframes.tokens.js';
import type { HistoryLimits } from '../limits/history-limits.js';
import { RebuildService } from '../rebuild/rebuild.service.js';
import { BackfillError, runBackfill } from './backfill-client.js';
import { nextStart, overallShare } from './stages.js';

/** How often it is checked whether there is something to read. */
const CHECK_MS = 1_000;

/** Pause after a failure, and after it was found that there is nothing to read. */
const RETRY_MS = 30_000;

/** Share of a core that reading uses at most. */
const CORE_SHARE = 0.25;

/** Maximum number of times that a stage reads what was received while it was reading. */
const MAX_ROUNDS = 8;

/** A part of the history that is read at once. */
interface Stage {
  readonly knownSince: number;
  readonly since: number;
}

/**
 * Reads the log before the moment from which the city was rebuilt, in a worker thread, so that earlier moments can be shown.
 * The thread writes keyframes as realtime does; when it has reached the present, they replace those that were written so far,
 * and the city gains what they contain. A restart continues from what was read.
 */
@Injectable()
export class BackfillService implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger: Logger;
  private readonly stop = new AbortController();
  /** Ends the thread if the log is lost. */
  private lost = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private begunAt: number | null = null;

  constructor(
    @Inject(HISTORY_OPTIONS) private readonly options: HistoryOptions,
    @Inject(HISTORY_LIMITS) private readonly limits: HistoryLimits,
    @Inject(WORKER_OPTIONS) private readonly worker: WorkerOptions,
    private readonly keyframes: KeyframesService,
    private readonly rebuild: RebuildService,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.logger = logger.child({ component: 'backfill' });
  }

  onApplicationBootstrap(): void {
    if (this.options.folder === null || this.options.readBackMs === 0) return;
    this.keyframes.onAbandoned = () => {
      this.lost.abort();
      this.keyframes.dropNext();
    };
    this.running = this.run();
  }

  async onModuleDestroy(): Promise<void> {
    this.stop.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stop;
    while (!signal.aborted) {
      let waitMs = CHECK_MS;
      try {
        if (this.isReady) waitMs = await this.readNext();
      } catch (error) {
        if (!this.lost.signal.aborted && !signal.aborted) this.reportFailure(error);
        waitMs = RETRY_MS;
      }
      this.keyframes.dropNext();
      await sleep(waitMs, signal);
    }
  }

  /** Whether the city is complete, so that the thread does not delay the start. */
  private get isReady(): boolean {
    return this.rebuild.isComplete && this.keyframes.isEnabled && (this.keyframes.archive?.count ?? 0) > 0;
  }

  /** Reads the next stage. Returns the pause after it. */
  private async readNext(): Promise<number> {
    const { keyframes, options } = this;
    const knownSince = keyframes.readSince;
    const now = Date.now();
    const since = knownSince === null ? null : nextStart({ knownSince, now, readBackMs: options.readBackMs });
    if (knownSince === null || since === null || !(await keyframes.hasEarlierRecords())) {
      this.begunAt = null;
      keyframes.backfill = null;
      await keyframes.removeNext();
      return RETRY_MS;
    }
    this.begunAt ??= knownSince;
    this.lost = new AbortController();
    await this.readStage({ knownSince, since });
    return 0;
  }

  /** Reads a stage, then what was received meanwhile until that is little, and continues from it. */
  private async readStage(stage: Stage): Promise<void> {
    const { keyframes } = this;
    this.report(stage, 0);
    for (let round = 1; ; round += 1) {
      const end = keyframes.beginNext();
      await this.readUntil(stage, end);
      if (keyframes.recordsSince(end) > KEYFRAME_RECORDS && round < MAX_ROUNDS) continue;
      if (!(await keyframes.continueFromNext(end))) throw new BackfillError('FAILED', 'the log was lost');
      this.logger.info({ since: keyframes.readSince }, 'history begins earlier');
      return;
    }
  }

  private async readUntil(stage: Stage, { topics }: HistoryEnd): Promise<void> {
    const { keyframes, options, worker } = this;
    const folder = keyframes.nextFolder;
    const { clusterId } = keyframes;
    if (folder === null || clusterId === null) throw new BackfillError('FAILED', 'the log was lost');
    const task = { folder, maxBytes: options.maxBytes, ...stage, clusterId, topics, share: CORE_SHARE };
    const unreadable = await runBackfill(
      { ...worker, task },
      {
        maxHeapMb: this.limits.heapMb,
        onProgress: (share) => this.report(stage, share),
        signal: AbortSignal.any([this.stop.signal, this.lost.signal]),
      },
    );
    if (unreadable > 0) this.logger.warn({ unreadable }, 'skipped unreadable records of the earlier history');
  }

  private report(stage: Stage, done: number): void {
    const { readBackMs } = this.options;
    const now = Date.now();
    const share = overallShare({ begunAt: this.begunAt ?? stage.knownSince, stage, now, readBackMs, done });
    this.keyframes.backfill = { percent: Math.floor(share * 100), since: now - readBackMs };
  }

  private reportFailure(error: unknown): void {
    this.keyframes.backfill = null;
    this.logger.warn({ err: error }, 'earlier history cannot be read, will retry');
  }
}
