import { Injectable } from '@nestjs/common';
import { Histogram, Registry } from 'prom-client';

const SEEK_BUCKETS_SECONDS = [0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10, 30];

/** Metrics of moments of the past. */
@Injectable()
export class HistoryMetrics {
  private readonly seeks: Histogram;

  constructor(registry: Registry) {
    const registers = [registry];
    this.seeks = new Histogram({
      name: 'realtime_history_seek_seconds',
      help: 'Time to read the city at a moment, for pages and for GET /vehicles?at=',
      buckets: SEEK_BUCKETS_SECONDS,
      registers,
    });
  }

  observeSeek(seconds: number): void {
    this.seeks.observe(seconds);
  }
}
