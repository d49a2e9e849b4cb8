import { Injectable } from '@nestjs/common';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

const SEEK_BUCKETS_SECONDS = [0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10, 30];

/** Metrics of moments of the past. */
@Injectable()
export class HistoryMetrics {
  private readonly seeks: Histogram;
  private readonly sessions: Gauge;
  private readonly closed: Counter<'code'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.seeks = new Histogram({
      name: 'realtime_history_seek_seconds',
      help: 'Time to read the city at a moment, for pages and for GET /vehicles?at=',
      buckets: SEEK_BUCKETS_SECONDS,
      registers,
    });
    this.sessions = new Gauge({
      name: 'realtime_history_sessions',
      help: 'Open history sessions; each has a worker thread',
      registers,
    });
    this.closed = new Counter({
      name: 'realtime_history_sessions_closed_total',
      help: 'History sessions that ended, by reason',
      labelNames: ['code'],
      registers,
    });
  }

  observeSeek(seconds: number): void {
    this.seeks.observe(seconds);
  }

  setSessions(count: number): void {
    this.sessions.set(count);
  }

  countClosed(code: string): void {
    this.closed.inc({ code });
  }
}
