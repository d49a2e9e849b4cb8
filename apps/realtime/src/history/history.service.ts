import { performance } from 'node:perf_hooks';
import type { HistoryOrder, HistoryRange, VehicleList } from '@hailstream/events/live';
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { ProviderFilter } from '../fold/city-state.js';
import { offsetsOf } from '../keyframes/keyframe-archive.js';
import { KeyframesService } from '../keyframes/keyframes.service.js';
import { MINUTE_MS } from '../log/activity.js';
import { LogIndex, type Offsets } from '../log/log-index.js';
import { HistoryMetrics } from '../metrics/history-metrics.service.js';
import { activityOf, earliestMoment } from './history-range.js';
import { HistoryError } from './history.errors.js';
import { WORKER_OPTIONS } from './history.tokens.js';
import { MomentClient } from './moment-client.js';
import type { CityRead, CityReads, FoundChunks, MomentStart, WorkerOptions } from './worker-protocol.js';

/** Maximum heap of a worker: a city of about 100,000 vehicles. */
const MAX_WORKER_HEAP_MB = 512;

/** Maximum number of requests for vehicles at a moment that wait for their turn. */
const MAX_WAITING_REQUESTS = 16;

/** How long the worker that answers requests over HTTP is kept without one. */
const WORKER_KEPT_MS = 30_000;

/** A later moment is read from the keyframe before it, if it is further than this from the one before. */
const MAX_STEP_MS = 60_000;

/** A moment of the past, and what is requested of it. */
interface MomentRequest {
  readonly by: HistoryOrder;
  readonly at: number;
  readonly filter: ProviderFilter;
  /** Those of the request over HTTP. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** A worker, and what it has to read for its moment. */
export interface MomentHandle extends AsyncDisposable {
  /** Starts from the keyframe of a moment. */
  open(moment: {
    readonly by: HistoryOrder;
    readonly filter: ProviderFilter;
    readonly at: number;
  }): Promise<void>;
  readonly call: MomentClient['call'];
}

/** The city at moments of the past: from the newest keyframe before a moment, and the log. */
@Injectable()
export class HistoryService implements OnModuleDestroy {
  private worker: MomentHandle | null = null;
  private requests: Promise<unknown> = Promise.resolve();
  private waiting = 0;
  /** The moment that the worker is at. */
  private opened: { readonly by: HistoryOrder; readonly at: number; readonly filter: ProviderFilter } | null =
    null;
  private idleTimer: NodeJS.Timeout | null = null;

  constructor(
    @Inject(WORKER_OPTIONS) private readonly workerOptions: WorkerOptions,
    private readonly keyframes: KeyframesService,
    private readonly index: LogIndex,
    private readonly metrics: HistoryMetrics,
  ) {}

  /** The first and the last moment that can be shown; `null` without events. */
  limits(by: HistoryOrder): { readonly earliest: number; readonly latest: number } | null {
    const { archive } = this.keyframes;
    if (archive === null) throw new HistoryError('HISTORY_DISABLED', 'this service keeps no history');
    const earliest = earliestMoment(by, { oldest: archive.oldest, activity: this.index.activity });
    return earliest === null ? null : { earliest, latest: Date.now() };
  }

  /** @throws HistoryError if no history is kept */
  range(
    by: HistoryOrder,
    filter: ProviderFilter,
    request: { readonly from: number | null; readonly to: number | null; readonly intervals: number },
  ): HistoryRange {
    const limits = this.limits(by);
    const latest = limits?.latest ?? Date.now();
    const from = request.from ?? limits?.earliest ?? latest;
    const to = Math.max(from, request.to ?? latest);
    const { intervals } = request;
    return {
      by,
      earliest: limits?.earliest ?? null,
      latest: limits === null ? null : latest,
      activity: activityOf(this.index.activity, { by, filter, from, to, intervals }),
    };
  }

  /**
   * The vehicles at a moment.
   *
   * @throws HistoryError if the moment cannot be read; QueryError if a parameter is invalid
   */
  vehicles({ at, parameters, ...moment }: MomentRequest): Promise<VehicleList> {
    return this.ask({ ...moment, at, mayContinue: false }, (worker) =>
      worker.call('vehicles', { at, parameters }),
    );
  }

  /**
   * What is read of the city at a moment.
   *
   * @throws HistoryError if the moment cannot be read; QueryError if a parameter is invalid
   */
  read<Name extends CityRead>(
    name: Name,
    { at, parameters, ...moment }: MomentRequest,
  ): Promise<CityReads[Name]> {
    return this.ask({ ...moment, at, mayContinue: true }, async (worker) => {
      const result = await worker.call('read', { at, name, parameters });
      return result as CityReads[Name];
    });
  }

  /** Requests are answered one after the other, by one worker. */
  private async ask<T>(
    { by, at, filter, mayContinue }: Omit<MomentRequest, 'parameters'> & { readonly mayContinue: boolean },
    call: (worker: MomentHandle) => Promise<T>,
  ): Promise<T> {
    if (this.waiting >= MAX_WAITING_REQUESTS) {
      throw new HistoryError('TOO_MANY_SESSIONS', `${this.waiting} requests for moments are waiting`);
    }
    this.waiting += 1;
    const answer = this.requests.then(async () => {
      const startedAt = performance.now();
      if (this.idleTimer !== null) clearTimeout(this.idleTimer);
      this.worker ??= this.createMoment(() => undefined);
      try {
        if (!mayContinue || !this.continues({ by, at, filter })) await this.worker.open({ by, filter, at });
        this.opened = { by, at, filter };
        const result = await call(this.worker);
        this.metrics.observeSeek((performance.now() - startedAt) / 1_000);
        return result;
      } catch (error) {
        if (error instanceof HistoryError) await this.endWorker();
        throw error;
      } finally {
        this.waiting -= 1;
        this.idleTimer = setTimeout(() => void this.endWorker(), WORKER_KEPT_MS).unref();
      }
    });
    this.requests = answer.catch(() => undefined);
    return answer;
  }

  /** Whether the worker is at the moment, or shortly before it: a page requests several things of one moment. */
  private continues({ by, at, filter }: NonNullable<typeof this.opened>): boolean {
    const { opened } = this;
    if (opened === null || opened.by !== by || opened.filter !== filter) return false;
    return at >= opened.at && at - opened.at <= MAX_STEP_MS;
  }

  /** Starts a worker. */
  createMoment(onProgress: (share: number) => void): MomentHandle {
    let search: ChunkSearch | null = null;
    const client = new MomentClient({
      worker: this.workerOptions,
      maxHeapMb: MAX_WORKER_HEAP_MB,
      find: (until) => this.find(search!, until),
      onProgress,
    });
    return {
      open: async ({ by, filter, at }) => {
        for (;;) {
          const { start, from } = this.startOf({ by, filter, at });
          search = { by, filter, from };
          try {
            await client.call('open', start);
            return;
          } catch (error) {
            // The keyframe may have been removed meanwhile.
            if (this.keyframes.archive?.newestBefore(by, at)?.file === start.file) throw error;
          }
        }
      },
      call: (kind, argument) => client.call(kind, argument),
      [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
    };
  }

  async onModuleDestroy(): Promise<void> {
    if (this.idleTimer !== null) clearTimeout(this.idleTimer);
    await this.endWorker();
  }

  private async endWorker(): Promise<void> {
    const { worker } = this;
    this.worker = null;
    this.opened = null;
    await worker?.[Symbol.asyncDispose]();
  }

  private startOf({
    by,
    filter,
    at,
  }: {
    readonly by: HistoryOrder;
    readonly filter: ProviderFilter;
    readonly at: number;
  }): { readonly start: MomentStart; readonly from: Offsets } {
    const keyframe = this.keyframes.archive?.newestBefore(by, at) ?? null;
    if (keyframe === null) throw new HistoryError('NOTHING_RECORDED', 'the log has no event of this moment');
    const { file, header } = keyframe;
    const topicIds = Object.fromEntries(
      Object.entries(header.topics).map(([topic, { topicId }]) => [topic, topicId]),
    );
    return { start: { by, filter, file, topicIds }, from: offsetsOf(header) };
  }

  private find(search: ChunkSearch, until: number): FoundChunks {
    const { by, filter, from, known } = search;
    const chunks = this.index.chunksUntil(by, { from, until, ...(known && { known }) });
    search.known = { until, ends: this.index.ends() };
    const minute = { from: Math.floor(until / MINUTE_MS) * MINUTE_MS, stepMs: MINUTE_MS, intervals: 1 };
    const [count = 0] = this.index.activity.counts(by, minute, filter);
    return { chunks, eventsPerSecond: Math.round(count / 6) / 10 };
  }
}

/** What was found for a moment so far. */
interface ChunkSearch {
  readonly by: HistoryOrder;
  readonly filter: ProviderFilter;
  readonly from: Offsets;
  known?: { readonly until: number; readonly ends: Offsets };
}
