import { Injectable } from '@nestjs/common';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { CityState, type FoldOutcome } from '../fold/city-state.js';

export type RecordOutcome = FoldOutcome | 'unreadable';

/** The result of a tick. */
export interface TickReport {
  /** Frames sent, counted per client. */
  readonly framesSent: number;
  /** Frames not sent because clients are behind, counted per client. */
  readonly framesSkipped: number;
  /** Largest backlog of a client. */
  readonly backlogBytesMax: number;
  /** Backlogs of all clients. */
  readonly backlogBytes: number;
  /** Clients that are sent the content of their view in parts. */
  readonly inParts: number;
  /** Snapshots and frames sent since the tick before to clients that needed a state; `resumed` are frames that continue theirs. */
  readonly answers: { readonly snapshot: number; readonly resumed: number };
  /** Clients that wait for one. */
  readonly waitingCount: number;
  /** By level of the grid. */
  readonly levels: ReadonlyMap<number, { readonly rooms: number; readonly clients: number }>;
}

const LATENCY_BUCKETS_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2.5, 5, 10, 30, 60];
const TICK_BUCKETS_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

/** Metrics of the fold and of the pages. */
@Injectable()
export class RealtimeMetrics {
  private readonly records: Counter<'topic' | 'outcome'>;
  private readonly latency: Histogram;
  private readonly sockets: Gauge;
  private readonly rooms: Gauge;
  private readonly framesSent: Counter;
  private readonly framesSkipped: Counter;
  private readonly backlog: Gauge;
  private readonly tickDuration: Histogram;
  private readonly following: Gauge;
  private readonly logsLost: Counter;
  private unreadable = 0;
  private unreadableAt: number | null = null;
  private lag: () => bigint = () => 0n;

  constructor(registry: Registry, city: CityState) {
    const registers = [registry];
    this.records = new Counter({
      name: 'realtime_records_total',
      help: 'Records read from the log, by topic and outcome',
      labelNames: ['topic', 'outcome'],
      registers,
    });
    this.latency = new Histogram({
      name: 'realtime_visible_latency_seconds',
      help: 'Time from the receipt of an event to the tick that sends it, for the oldest record of each batch',
      buckets: LATENCY_BUCKETS_SECONDS,
      registers,
    });
    this.sockets = new Gauge({ name: 'realtime_sockets', help: 'Connected pages', registers });
    this.rooms = new Gauge({
      name: 'realtime_rooms',
      help: 'Distinct views of connected pages; a frame is encoded once per view',
      registers,
    });
    this.framesSent = new Counter({
      name: 'realtime_frames_sent_total',
      help: 'Frames sent, counted per page',
      registers,
    });
    this.framesSkipped = new Counter({
      name: 'realtime_frames_skipped_total',
      help: 'Frames not sent because the page was behind, counted per page',
      registers,
    });
    this.backlog = new Gauge({
      name: 'realtime_backlog_bytes_max',
      help: 'Largest number of unwritten bytes of a page, as of the last tick',
      registers,
    });
    this.tickDuration = new Histogram({
      name: 'realtime_tick_duration_seconds',
      help: 'Duration of a tick, from advancing the city to sending the last frame',
      buckets: TICK_BUCKETS_SECONDS,
      registers,
    });
    this.following = new Gauge({
      name: 'realtime_following',
      help: '1 if the city is complete and up to date with the log, 0 while the service waits for the log, rebuilds or stalls',
      registers,
    });
    this.logsLost = new Counter({
      name: 'realtime_logs_lost_total',
      help: 'Times that the log was lost or recreated and the city was rebuilt',
      registers,
    });
    const lagRecords = () => Number(this.lag());
    new Gauge({
      name: 'realtime_lag_records',
      help: 'Consumer lag: records in the log that are not folded yet',
      registers,
      collect() {
        this.set(lagRecords());
      },
    });
    observeCity(city, registers);
  }

  countRecord(topic: string, outcome: RecordOutcome): void {
    this.records.inc({ topic, outcome });
    if (outcome !== 'unreadable') return;
    this.unreadable += 1;
    this.unreadableAt = Date.now();
  }

  get unreadableCount(): number {
    return this.unreadable;
  }

  /** When the last unreadable record was found. */
  get lastUnreadableAt(): number | null {
    return this.unreadableAt;
  }

  observeLatency(ms: number): void {
    this.latency.observe(ms / 1_000);
  }

  observeTick(report: TickReport, tick: { ms: number; rooms: number }): void {
    this.framesSent.inc(report.framesSent);
    this.framesSkipped.inc(report.framesSkipped);
    this.tickDuration.observe(tick.ms / 1_000);
    this.rooms.set(tick.rooms);
    this.backlog.set(report.backlogBytesMax);
  }

  /** Sets where `realtime_lag_records` is read from. */
  setLag(lag: () => bigint): void {
    this.lag = lag;
  }

  setFollowing(isFollowing: boolean): void {
    this.following.set(Number(isFollowing));
  }

  countLostLog(): void {
    this.logsLost.inc();
  }

  setSockets(count: number): void {
    this.sockets.set(count);
  }
}

/** Registers what is in memory. */
function observeCity(city: CityState, registers: Registry[]): void {
  new Gauge({
    name: 'realtime_devices_seen',
    help: 'Vehicles in memory: those of the last REALTIME_VEHICLES_KEPT_MS, at most REALTIME_PROVIDER_VEHICLES of each provider',
    registers,
    collect() {
      this.set(city.devicesSeen);
    },
  });
  new Gauge({
    name: 'realtime_trips_over_quota',
    help: 'Trips dropped since the start before their time, because a provider had more than REALTIME_PROVIDER_TRIPS',
    registers,
    collect() {
      this.set(city.summary(null)?.figures.tripsOverQuota ?? 0);
    },
  });
}
