import { performance } from 'node:perf_hooks';
import type { HistoryOrder, HistoryRange, PastVehicleList } from '@hailstream/events/live';
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { CityState, type ProviderFilter } from '../fold/city-state.js';
import { offsetsOf, type KeyframeArchive } from '../archive/keyframe-archive.js';
import { KeyframesService } from '../keyframes/keyframes.service.js';
import { MINUTE_MS } from '../log/activity.js';
import { LogIndex, type Offsets } from '../log/log-index.js';
import { HistoryMetrics } from '../metrics/history-metrics.service.js';
import type { HistoryLimits } from '../limits/history-limits.js';
import { activityOf, earliestMoment } from './history-range.js';
import { HistoryError } from '../query/history.errors.js';
import { HISTORY_LIMITS, WORKER_OPTIONS } from './history.tokens.js';
import { type MomentClient, startMomentClient } from './moment-client.js';
import type {
  CityRead,
  CityReads,
  FindMessage,
  FoundEvents,
  MomentStart,
  WorkerOptions,
} from './worker-protocol.js';

/** Maximum number of requests for vehicles at a moment that wait for their turn. */
const MAX_WAITING_REQUESTS = 16;

/** How long the worker that answers requests over HTTP is kept without one. */
const WORKER_KEPT_MS = 30_000;

/** How long the spare worker is kept without an open session and without a request for the range of moments. */
const SPARE_KEPT_MS = 600_000;

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
  private idleTimer: NodeJS.Timeout | null = null;
  /** A worker that is ready for the next session: its start would be most of the time of the first seek. */
  private spare: MomentClient | null = null;
  private spareTimer: NodeJS.Timeout | null = null;

  constructor(
    @Inject(WORKER_OPTIONS) private readonly workerOptions: WorkerOptions,
    private readonly keyframes: KeyframesService,
    private readonly index: LogIndex,
    private readonly city: CityState,
    private readonly metrics: HistoryMetrics,
    @Inject(HISTORY_LIMITS) private readonly historyLimits: HistoryLimits,
  ) {}

  /** The first and the last moment that can be shown; `null` without events. */
  limits(by: HistoryOrder): { readonly earliest: number; readonly latest: number } | null {
    const archive = this.requireArchive();
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
    // A page that shows the timeline may seek next.
    if (limits !== null) this.prepareSpare();
    const latest = limits?.latest ?? Date.now();
    const from = request.from ?? limits?.earliest ?? latest;
    const to = Math.max(from, request.to ?? latest);
    const { intervals } = request;
    return {
      by,
      earliest: limits?.earliest ?? null,
      latest: limits === null ? null : latest,
      activity: activityOf(this.index.activity, { by, filter, from, to, intervals }),
      backfill: this.keyframes.backfill,
    };
  }

  /**
   * The vehicles at a moment.
   *
   * @throws HistoryError if the moment cannot be read; QueryError if a parameter is invalid
   */
  async vehicles({ at, parameters, ...moment }: MomentRequest): Promise<PastVehicleList> {
    const { list, unreadableRecords } = await this.ask({ ...moment, at }, (worker) =>
      worker.call('vehicles', { at, parameters }),
    );
    return { ...list, moment: { at, by: moment.by, unreadable_records: unreadableRecords } };
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
    return this.ask({ ...moment, at }, async (worker) => {
      const result = await worker.call('read', { at, name, parameters });
      return result as CityReads[Name];
    });
  }

  /** Requests are answered one after the other, by one worker. */
  private async ask<T>(
    { by, at, filter }: Omit<MomentRequest, 'parameters'>,
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
        await this.worker.open({ by, filter, at });
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

  /** A worker of its own, which is ended with the handle. */
  createMoment(onProgress: (share: number) => void): MomentHandle {
    let search: EventSearch | null = null;
    let shownAt: number | null = null;
    const client = this.takeClient();
    client.listen((message) => {
      if (message.kind === 'find') client.send({ kind: 'found', ...this.find(search!, message) });
      else onProgress(message.share);
    });
    return {
      open: async ({ by, filter, at }) => {
        for (;;) {
          const { start, from, keyframe, archive } = this.startOf({ by, filter, at });
          const isSame = search?.by === by && search.filter === filter && search.archive === archive;
          if (isSame && shownAt !== null && shownAt <= at && this.isReached(by, keyframe, shownAt)) return;
          search = { by, filter, from, keyframe, archive };
          shownAt = null;
          try {
            await client.call('open', start);
            return;
          } catch (error) {
            // The keyframe may have been removed meanwhile.
            if (this.keyframes.archive?.newestBefore(by, at)?.file === start.file) throw error;
          }
        }
      },
      call: async (kind, argument) => {
        const result = await client.call(kind, argument);
        if (argument !== null && 'at' in argument) shownAt = argument.at;
        return result;
      },
      [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
    };
  }

  /** Whether a moment is not before a keyframe, so that going on from it takes no longer than from the keyframe. */
  private isReached(by: HistoryOrder, keyframe: number, at: number): boolean {
    return (this.keyframes.archive?.newestBefore(by, at)?.number ?? 0) >= keyframe;
  }

  private takeClient(): MomentClient {
    const { spare } = this;
    this.spare = null;
    this.prepareSpare();
    return spare === null || spare.hasEnded ? this.startClient() : spare;
  }

  private startClient(): MomentClient {
    return startMomentClient(this.workerOptions, this.historyLimits.heapMb);
  }

  /** Starts a worker for the next session. It is stopped if no session is opened for some time. */
  private prepareSpare(): void {
    if (this.spareTimer !== null) clearTimeout(this.spareTimer);
    this.spareTimer = setTimeout(() => void this.endSpare(), SPARE_KEPT_MS).unref();
    if (this.spare !== null && !this.spare.hasEnded) return;
    this.spare = this.startClient();
    // Without a log, the first seek fails with the reason.
    this.spare.call('connect', null).catch(() => undefined);
  }

  private async endSpare(): Promise<void> {
    const { spare } = this;
    this.spare = null;
    if (this.spareTimer !== null) clearTimeout(this.spareTimer);
    await spare?.[Symbol.asyncDispose]();
  }

  async onModuleDestroy(): Promise<void> {
    if (this.idleTimer !== null) clearTimeout(this.idleTimer);
    await this.endWorker();
    await this.endSpare();
  }

  private async endWorker(): Promise<void> {
    const { worker } = this;
    this.worker = null;
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
  }): Pick<EventSearch, 'from' | 'keyframe' | 'archive'> & { readonly start: MomentStart } {
    const { archive } = this.keyframes;
    const keyframe = archive?.newestBefore(by, at) ?? null;
    if (archive === null || keyframe === null)
      throw new HistoryError('NOTHING_RECORDED', 'the log has no event of this moment');
    const { number, file, header } = keyframe;
    const topicIds = Object.fromEntries(
      Object.entries(header.topics).map(([topic, { topicId }]) => [topic, topicId]),
    );
    return { start: { by, filter, file, topicIds }, from: offsetsOf(header), keyframe: number, archive };
  }

  /** @throws HistoryError if no history is kept */
  private requireArchive(): KeyframeArchive {
    const { archive } = this.keyframes;
    if (archive === null) throw new HistoryError('HISTORY_DISABLED', 'this service keeps no history');
    return archive;
  }

  private find(search: EventSearch, { until, usesLate, filter, erasures }: FindMessage): FoundEvents {
    const { by, from } = search;
    const { index } = this;
    const archive = this.requireArchive();
    const isKnown = search.known?.usesLate === usesLate && search.known.archive === archive;
    const known = isKnown ? search.known : undefined;
    const times = by === 'event' && usesLate ? 'onTime' : by;
    const chunks = index.chunksUntil(times, { from, until, ...(known && { known }) });
    const late = times === 'onTime' ? this.findLate(search, until, known) : { lateBlocks: [], late: [] };
    const lastBlock = archive.late.list().at(-1)?.keyframe ?? 0;
    search.known = { archive, usesLate, until, ends: index.ends(), lastBlock, lateNoted: index.lateNoted };
    const minute = { from: Math.floor(until / MINUTE_MS) * MINUTE_MS, stepMs: MINUTE_MS, intervals: 1 };
    const [count = 0] = index.activity.counts(by, minute, filter);
    return {
      chunks,
      ...late,
      eventsPerSecond: Math.round(count / 6) / 10,
      erasures: this.city.erasures.after(erasures),
      unreadable: index.unreadable.listUntil(until),
    };
  }

  /** The late events that follow a keyframe and are not after `until`, without those that were found before. */
  private findLate(
    search: EventSearch,
    until: number,
    known: EventSearch['known'],
  ): Pick<FoundEvents, 'lateBlocks' | 'late'> {
    const archive = this.requireArchive();
    const store = archive.late;
    // The keyframes of an earlier history have other numbers: all late events are read, which changes nothing but the time.
    const keyframe = search.archive === archive ? search.keyframe : 0;
    const isNew = (time: number, wasKnown: boolean): boolean => {
      return time <= until && !(wasKnown && time <= (known?.until ?? Number.NEGATIVE_INFINITY));
    };
    const lateBlocks = store
      .list()
      .filter((block) => {
        return block.keyframe > keyframe && isNew(block.earliest, block.keyframe <= (known?.lastBlock ?? 0));
      })
      .map((block) => ({
        file: store.fileOf(block),
        earliest: block.earliest,
        position: block.position,
        sizeBytes: block.sizeBytes,
      }));
    const { late: recent, lateNoted } = this.index;
    const first = lateNoted - recent.length;
    const late = recent.filter(({ time }, at) => isNew(time, first + at < (known?.lateNoted ?? 0)));
    return { lateBlocks, late };
  }
}

/** What was found for a moment so far. */
interface EventSearch {
  readonly by: HistoryOrder;
  readonly filter: ProviderFilter;
  readonly from: Offsets;
  /** Number of the keyframe, and the archive that has it. */
  readonly keyframe: number;
  readonly archive: KeyframeArchive;
  known?: {
    readonly archive: KeyframeArchive;
    readonly usesLate: boolean;
    readonly until: number;
    readonly ends: Offsets;
    /** Keyframe of the last block of late events. */
    readonly lastBlock: number;
    /** Count of late events. */
    readonly lateNoted: number;
  };
}
