import { fileURLToPath } from 'node:url';
import { telemetryFamily, vehicleEventFamily } from '@hailstream/events';
import type {
  Period,
  TripList,
  TripPage,
  TripRoute,
  TripSummary,
  VehicleTimeline,
} from '@hailstream/events/live';
import { partitionForKey } from '@hailstream/log';
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { CityState, type ProviderFilter } from '../fold/city-state.js';
import { TRIP_KEPT_MS } from '../fold/fleet-trips.js';
import { HistoryError } from '../query/history.errors.js';
import { HistoryService } from '../history/history.service.js';
import { WORKER_OPTIONS } from '../history/history.tokens.js';
import type { WorkerOptions } from '../history/worker-protocol.js';
import { offsetsOf } from '../archive/keyframe-archive.js';
import { KeyframesService } from '../keyframes/keyframes.service.js';
import { LogIndex, type Chunk } from '../log/log-index.js';
import { LogPositions } from '../log/positions.js';
import { QueryError } from '../query/query-parameters.js';
import { ThreadClient } from '../threads/thread-client.js';
import type { TripCalls, TripLog, TripRequest } from './trip-calls.js';
import type { TripQuery } from './trip-index.js';
import { STATE_BEFORE_MS } from './vehicle-timeline.js';

/** The compiled worker: a thread does not compile TypeScript. */
const workerFile = fileURLToPath(new URL('../../dist/worker/trips.worker.js', import.meta.url));

/** Maximum heap of the worker: the index of trips, and the requests that it answers. */
const MAX_HEAP_MB = 768;

/** Maximum number of requests that are answered at a time. */
const MAX_REQUESTS = 8;

/** Maximum number of records that are read for one request. */
const MAX_RECORDS = 5_000_000;

/** How long the worker is kept without a request. */
const WORKER_KEPT_MS = 15 * 60_000;

interface Thread {
  readonly client: ThreadClient<TripCalls>;
  /** Ids of the cluster and the topics that it reads. */
  readonly log: string;
}

/** Trips and vehicles of the past. They are read from the log by one worker thread, which is started by the first request. */
@Injectable()
export class TripsService implements OnModuleDestroy {
  private thread: Thread | null = null;
  private active = 0;
  private idleTimer: NodeJS.Timeout | null = null;

  constructor(
    @Inject(WORKER_OPTIONS) private readonly workerOptions: WorkerOptions,
    private readonly history: HistoryService,
    private readonly keyframes: KeyframesService,
    private readonly index: LogIndex,
    private readonly positions: LogPositions,
    private readonly city: CityState,
  ) {}

  /** @throws HistoryError if the log cannot be read, or too many requests are being answered */
  async list(
    query: TripQuery,
    { limit, offset, now }: { readonly limit: number; readonly offset: number; readonly now: number },
  ): Promise<TripList> {
    const { total, isCut, unreadableRecords, trips } = await this.call('list', {
      ends: this.index.ends(),
      query,
      limit,
      offset,
    });
    const { earliest } = this;
    return {
      asOf: now,
      count: trips.length,
      total,
      offset,
      earliest,
      is_cut: isCut,
      unreadable_records: unreadableRecords,
      trips,
    };
  }

  /**
   * The trips with this id that are visible.
   *
   * @throws HistoryError if the log cannot be read, or too many requests are being answered
   */
  find(tripId: string, filter: ProviderFilter): Promise<readonly TripSummary[]> {
    return this.call('find', { ends: this.index.ends(), tripId, filter });
  }

  /** `null` if the trip is no longer known. */
  page(trip: TripSummary, now: number): Promise<TripPage | null> {
    return this.call('page', this.requestOf(trip, now));
  }

  /**
   * `null` if the trip is no longer known.
   *
   * @throws QueryError if too many records would be read; HistoryError if the log cannot be read
   */
  async route(trip: TripSummary, now: number): Promise<TripRoute | null> {
    const request = this.requestOf(trip, now);
    if (request.problem !== null) throw new QueryError('trip_id', request.problem);
    return this.call('route', request);
  }

  /** @throws QueryError if too many records would be read; HistoryError if the log cannot be read */
  async timeline(
    vehicle: { readonly deviceId: string; readonly providerId: string },
    { from, to, now }: Period & { readonly now: number },
  ): Promise<VehicleTimeline> {
    const { deviceId } = vehicle;
    const before = from - STATE_BEFORE_MS;
    const events = this.chunks(vehicleEventFamily.topic.name, { key: deviceId, from: before, to });
    const eventsProblem = problemOf(events);
    if (eventsProblem !== null) throw new QueryError('from', `${eventsProblem}: choose a shorter time`);
    const telemetry = this.chunks(telemetryFamily.topic.name, { key: deviceId, from, to });
    const problem = problemOf(telemetry);
    const { earliest } = this;
    return this.call('timeline', {
      ends: this.index.ends(),
      ...vehicle,
      from,
      to,
      earliest,
      events,
      telemetry,
      problem,
      now,
    });
  }

  async onModuleDestroy(): Promise<void> {
    await this.endThread();
  }

  private get earliest(): number | null {
    return this.history.limits('event')?.earliest ?? null;
  }

  /** With the chunks that have the telemetry of its vehicle while the trip was under way. */
  private requestOf(trip: TripSummary, now: number): TripRequest {
    const { trip_id: tripId, provider_id: providerId, device_id: key, began_at: from, ended_at } = trip;
    const to = ended_at ?? Math.min(now, from + 4 * TRIP_KEPT_MS);
    const chunks = key === null ? [] : this.chunks(telemetryFamily.topic.name, { key, from, to });
    return { tripId, providerId, chunks, problem: problemOf(chunks), now };
  }

  /** The chunks of the key's partition with events of this time. */
  private chunks(topic: string, { key, from, to }: Period & { readonly key: string }): Chunk[] {
    const partitions = this.positions.ofTopic(topic).size;
    if (partitions === 0) return [];
    const partition = partitionForKey(Buffer.from(key), partitions);
    return this.index.chunksBetween({ topic, partition }, { from, until: to });
  }

  private async call<Name extends keyof TripCalls>(
    kind: Name,
    argument: TripCalls[Name]['argument'],
  ): Promise<TripCalls[Name]['result']> {
    if (this.active >= MAX_REQUESTS) {
      throw new HistoryError('TOO_MANY_SESSIONS', `${this.active} requests are being answered`);
    }
    this.active += 1;
    if (this.idleTimer !== null) clearTimeout(this.idleTimer);
    try {
      return await (await this.openThread()).call(kind, argument);
    } finally {
      this.active -= 1;
      this.idleTimer = setTimeout(() => void this.endThread(), WORKER_KEPT_MS).unref();
    }
  }

  private async openThread(): Promise<ThreadClient<TripCalls>> {
    const { log, argument } = this.log();
    if (this.thread !== null && (this.thread.log !== log || this.thread.client.hasEnded)) {
      await this.endThread();
    }
    if (this.thread === null) {
      const client = new ThreadClient<TripCalls>({
        file: workerFile,
        data: this.workerOptions,
        maxHeapMb: MAX_HEAP_MB,
        reasons: {
          closed: 'the thread was closed',
          outOfMemory: 'the answer needs more memory than it may use',
        },
      });
      this.thread = { client, log };
      // Calls are received in order: those that follow find the log open.
      void client.call('open', argument).catch(() => undefined);
    }
    return this.thread.client;
  }

  private log(): { readonly log: string; readonly argument: TripLog } {
    const { archive } = this.keyframes;
    if (archive === null) throw new HistoryError('HISTORY_DISABLED', 'this service keeps no history');
    const { oldest } = archive;
    if (oldest === null) throw new HistoryError('LOG_UNREACHABLE', 'no keyframe has been written yet');
    const { clusterId, topics } = oldest;
    const topicIds = Object.fromEntries(
      Object.entries(topics).map(([topic, { topicId }]) => [topic, topicId]),
    );
    // With an earlier history, there are trips before those that the thread has read.
    // After an erasure, those that it has read are read again.
    const { erasures } = this.city;
    const log = JSON.stringify([clusterId, topicIds, archive.folder, erasures.count]);
    return { log, argument: { topicIds, from: offsetsOf(oldest), erasures: erasures.after(0) } };
  }

  private async endThread(): Promise<void> {
    if (this.idleTimer !== null) clearTimeout(this.idleTimer);
    const { thread } = this;
    this.thread = null;
    await thread?.client[Symbol.asyncDispose]();
  }
}

/** Why these chunks are not read at once; `null` if they are. */
function problemOf(chunks: readonly Chunk[]): string | null {
  const records = chunks.reduce((sum, { from, to }) => sum + to - from, 0);
  if (records <= MAX_RECORDS) return null;
  return `${records} records of the log would have to be read, at most ${MAX_RECORDS} are`;
}
