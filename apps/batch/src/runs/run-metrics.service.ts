import { LOGGER, type Logger } from '@hailstream/nest';
import { Inject, Injectable } from '@nestjs/common';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { LoadResult } from '../load/load-run.js';
import type { Loads } from '../load/loads.js';
import { LOADS } from './runs.tokens.js';

const RUN_SECONDS = [0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600];

/** What the loads of this process did, for Prometheus. */
@Injectable()
export class RunMetrics {
  private readonly rows: Counter<'topic'>;
  private readonly rejects: Counter<'topic'>;
  private readonly runs: Counter<'outcome'>;
  private readonly seconds: Histogram;
  private readonly lastSuccess: Gauge;

  constructor(registry: Registry, @Inject(LOADS) loads: Loads, @Inject(LOGGER) logger: Logger) {
    const registers = [registry];
    this.rows = new Counter({
      name: 'batch_rows_total',
      help: 'Rows written, by topic',
      labelNames: ['topic'],
      registers,
    });
    this.rejects = new Counter({
      name: 'batch_rejects_total',
      help: 'Records that could not be loaded, by topic',
      labelNames: ['topic'],
      registers,
    });
    this.runs = new Counter({
      name: 'batch_runs_total',
      help: 'Loads, by outcome',
      labelNames: ['outcome'],
      registers,
    });
    this.seconds = new Histogram({
      name: 'batch_run_duration_seconds',
      help: 'Time from the start of a load to its end',
      buckets: RUN_SECONDS,
      registers,
    });
    this.lastSuccess = new Gauge({
      name: 'batch_last_success_timestamp_seconds',
      help: 'When the last load that succeeded ended',
      registers,
    });
    new Gauge({
      name: 'batch_lag_records',
      help: 'Records of the log that no process has loaded yet; NaN where the log or Postgres does not answer',
      registers,
      async collect() {
        try {
          this.set(await loads.lag());
        } catch (error) {
          logger.debug({ component: 'runs', err: error }, 'the lag is not known');
          this.set(Number.NaN);
        }
      },
    });
  }

  succeeded({ topics, seconds }: LoadResult, nowMs: number): void {
    for (const [topic, { rows, rejects }] of Object.entries(topics)) {
      this.rows.inc({ topic }, rows);
      this.rejects.inc({ topic }, rejects);
    }
    this.runs.inc({ outcome: 'succeeded' });
    this.seconds.observe(seconds);
    this.lastSuccess.set(nowMs / 1_000);
  }

  failed(): void {
    this.runs.inc({ outcome: 'failed' });
  }
}
