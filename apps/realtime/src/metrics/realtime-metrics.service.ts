import { Injectable } from '@nestjs/common';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { CityState, type FoldOutcome } from '../fold/city-state.js';
import type { TickReport } from '../live/broadcaster.js';
import { LogPositions } from '../log/positions.js';

/** What became of a record. */
export type RecordOutcome = FoldOutcome | 'unreadable';

const LATENCY_BUCKETS_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2.5, 5, 10, 30, 60];
const TICK_BUCKETS_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

/** What an operator sees of the fold and of what goes out. */
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

  constructor(registry: Registry, city: CityState, positions: LogPositions) {
    const registers = [registry];
    this.records = new Counter({
      name: 'realtime_records_total',
      help: 'Records of the log, by topic and what became of them',
      labelNames: ['topic', 'outcome'],
      registers,
    });
    this.latency = new Histogram({
      name: 'realtime_visible_latency_seconds',
      help: 'Time from the receipt of an event to the tick that shows it, of the oldest record of each batch',
      buckets: LATENCY_BUCKETS_SECONDS,
      registers,
    });
    this.sockets = new Gauge({ name: 'realtime_sockets', help: 'Pages connected', registers });
    this.rooms = new Gauge({ name: 'realtime_rooms', help: 'Different views that pages have', registers });
    this.framesSent = new Counter({
      name: 'realtime_frames_sent_total',
      help: 'Frames sent, each page counted',
      registers,
    });
    this.framesSkipped = new Counter({
      name: 'realtime_frames_skipped_total',
      help: 'Frames not sent because the page was behind',
      registers,
    });
    this.backlog = new Gauge({
      name: 'realtime_backlog_bytes_max',
      help: 'Most bytes that wait to be written to one page, as of the last tick',
      registers,
    });
    this.tickDuration = new Histogram({
      name: 'realtime_tick_duration_seconds',
      help: 'Time that a tick took, from the changes to the last socket',
      buckets: TICK_BUCKETS_SECONDS,
      registers,
    });
    this.following = new Gauge({
      name: 'realtime_following',
      help: '1 while the service reads the log as it grows, 0 while it waits, rebuilds or makes no progress',
      registers,
    });
    this.logsLost = new Counter({
      name: 'realtime_logs_lost_total',
      help: 'Times that the log was found lost or recreated, and the city was rebuilt from the new one',
      registers,
    });
    new Gauge({
      name: 'realtime_lag_records',
      help: 'Records between what is folded and the end of the log',
      registers,
      collect() {
        this.set(Number(positions.lagRecords));
      },
    });
    new Gauge({
      name: 'realtime_devices_seen',
      help: 'Devices seen since start',
      registers,
      collect() {
        this.set(city.devicesSeen);
      },
    });
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

  /** When the last record was met that could not be read. */
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
