import { LOGGER } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { Inject, Injectable } from '@nestjs/common';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { TopicPartition } from '@hailstream/log';
import type { Counts } from '../load/counts.js';
import { LoadError } from '../load/load.errors.js';
import type { LoadResult } from '../load/load-result.js';
import type { LoadRunner } from '../load/load-runner.js';
import { statusOf } from './run-record.js';
import { LOADS } from './runs.tokens.js';

const RUN_SECONDS = [0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600];

/** What the loads of this process did, for Prometheus. */
@Injectable()
export class RunMetrics {
  private readonly counters: ReadonlyMap<keyof Counts, Counter<'topic'>>;
  private readonly lost: Counter<'topic' | 'partition'>;
  private readonly refused: Gauge;
  private readonly runs: Counter<'outcome'>;
  private readonly seconds: Histogram;
  private readonly lastSuccess: Gauge;

  constructor(registry: Registry, @Inject(LOADS) loads: LoadRunner, @Inject(LOGGER) logger: Logger) {
    const registers = [registry];
    this.counters = loadCounters(registers);
    this.lost = new Counter({
      name: 'batch_lost_records_total',
      help: 'Offsets that the log deleted before they were loaded, by topic and partition',
      labelNames: ['topic', 'partition'],
      registers,
    });
    this.refused = new Gauge({
      name: 'batch_positions_refused',
      help: '1 if the last load refused stored positions because it would have skipped records, else 0',
      registers,
    });
    this.runs = new Counter({
      name: 'batch_runs_total',
      help: 'LoadRunner, by outcome: succeeded, incomplete (records were deleted before they were loaded), failed',
      labelNames: ['outcome'],
      registers,
    });
    for (const outcome of ['succeeded', 'incomplete', 'failed']) this.runs.inc({ outcome }, 0);
    this.seconds = new Histogram({
      name: 'batch_run_duration_seconds',
      help: 'Time from the start of a load to its end',
      buckets: RUN_SECONDS,
      registers,
    });
    this.lastSuccess = new Gauge({
      name: 'batch_last_success_timestamp_seconds',
      help: 'When the last load ended that did not fail',
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

  /** Counts what a load did as soon as it is committed: a load that fails later has done it all the same. */
  counted({ topic, partition }: TopicPartition, counts: Counts): void {
    for (const [name, counter] of this.counters) counter.inc({ topic }, counts[name]);
    if (counts.lost > 0) this.lost.inc({ topic, partition }, counts.lost);
  }

  succeeded(result: LoadResult, nowMs: number): void {
    this.runs.inc({ outcome: statusOf(result) });
    this.refused.set(0);
    this.seconds.observe(result.seconds);
    this.lastSuccess.set(nowMs / 1_000);
  }

  failed(error: unknown): void {
    this.runs.inc({ outcome: 'failed' });
    this.refused.set(error instanceof LoadError && error.code === 'POSITIONS_REFUSED' ? 1 : 0);
  }
}

function loadCounters(registers: Registry[]): ReadonlyMap<keyof Counts, Counter<'topic'>> {
  return new Map<keyof Counts, Counter<'topic'>>([
    [
      'read',
      new Counter({
        name: 'batch_records_read_total',
        help: 'Records read from the log: rows, duplicates and rejects together, by topic',
        labelNames: ['topic'],
        registers,
      }),
    ],
    [
      'rows',
      new Counter({
        name: 'batch_rows_total',
        help: 'Rows written, by topic',
        labelNames: ['topic'],
        registers,
      }),
    ],
    [
      'duplicates',
      new Counter({
        name: 'batch_duplicates_total',
        help: 'Records whose id had been loaded before, by topic',
        labelNames: ['topic'],
        registers,
      }),
    ],
    [
      'rejects',
      new Counter({
        name: 'batch_rejects_total',
        help: 'Records that could not be loaded, by topic',
        labelNames: ['topic'],
        registers,
      }),
    ],
    [
      'skipped',
      new Counter({
        name: 'batch_skipped_offsets_total',
        help: 'Offsets without a record to load: transaction markers, aborted and compacted records, by topic',
        labelNames: ['topic'],
        registers,
      }),
    ],
  ]);
}
