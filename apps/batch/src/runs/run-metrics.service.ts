import { LOGGER } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { Inject, Injectable } from '@nestjs/common';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { TopicPartition } from '@hailstream/log';
import type { Counts } from '../load/counts.js';
import { LoadError } from '../load/load.errors.js';
import type { LoadResult } from '../load/load-result.js';
import { LoadRunner } from '../load/load-runner.service.js';
import { statusOf } from './run-record.js';

const RUN_SECONDS = [0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600];

/** Prometheus metrics of the loads of this process. */
@Injectable()
export class RunMetrics {
  private readonly counters: ReadonlyMap<keyof Counts, Counter<'topic'>>;
  private readonly lost: Counter<'topic' | 'partition'>;
  private readonly refused: Gauge;
  private readonly runs: Counter<'outcome'>;
  private readonly seconds: Histogram;
  private readonly lastSuccess: Gauge;
  private readonly trips: Counter<'result'>;
  private readonly rebuildFailures: Counter;

  constructor(registry: Registry, runner: LoadRunner, @Inject(LOGGER) logger: Logger) {
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
      help: '1 if the last load refused the stored positions because continuing would skip records, otherwise 0',
      registers,
    });
    this.runs = new Counter({
      name: 'batch_runs_total',
      help: 'Runs, by outcome: succeeded, incomplete (records were deleted before they were loaded), failed',
      labelNames: ['outcome'],
      registers,
    });
    for (const outcome of ['succeeded', 'incomplete', 'failed']) this.runs.inc({ outcome }, 0);
    this.seconds = new Histogram({
      name: 'batch_run_duration_seconds',
      help: 'Duration of loads',
      buckets: RUN_SECONDS,
      registers,
    });
    this.lastSuccess = new Gauge({
      name: 'batch_last_success_timestamp_seconds',
      help: 'End of the last load that did not fail, as a Unix timestamp',
      registers,
    });
    this.trips = new Counter({
      name: 'batch_rebuilt_trips_total',
      help: 'Trips that were rebuilt because events or telemetry of them were loaded, by result: changed, unchanged',
      labelNames: ['result'],
      registers,
    });
    for (const result of ['changed', 'unchanged']) this.trips.inc({ result }, 0);
    this.rebuildFailures = new Counter({
      name: 'batch_trip_rebuild_failures_total',
      help: 'Loads after which the trips could not be rebuilt. The next load rebuilds them',
      registers,
    });
    new Gauge({
      name: 'batch_lag_records',
      help: 'Records in the log that no process has loaded yet; NaN if the log or Postgres does not respond',
      registers,
      async collect() {
        try {
          this.set(await runner.lag());
        } catch (error) {
          logger.debug({ component: 'runs', err: error }, 'lag unavailable');
          this.set(Number.NaN);
        }
      },
    });
  }

  /** Counts the result of a chunk as soon as it is committed, so that the chunks of a failed load count as well. */
  counted({ topic, partition }: TopicPartition, counts: Counts): void {
    for (const [name, counter] of this.counters) counter.inc({ topic }, counts[name]);
    if (counts.lost > 0) this.lost.inc({ topic, partition }, counts.lost);
  }

  succeeded(result: LoadResult, nowMs: number): void {
    this.runs.inc({ outcome: statusOf(result) });
    this.refused.set(0);
    const { rebuilt, changed } = result.rebuiltTrips ?? { rebuilt: 0, changed: 0 };
    this.trips.inc({ result: 'changed' }, changed);
    this.trips.inc({ result: 'unchanged' }, rebuilt - changed);
    this.seconds.observe(result.seconds);
    this.lastSuccess.set(nowMs / 1_000);
  }

  rebuildFailed(): void {
    this.rebuildFailures.inc();
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
        help: 'Records read from the log by topic: the sum of rows, duplicates, rejects, expired and erased events',
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
        help: 'Records that repeat an event that had been loaded before, by topic',
        labelNames: ['topic'],
        registers,
      }),
    ],
    [
      'rejects',
      new Counter({
        name: 'batch_rejects_total',
        help: 'Records that could not be loaded and were dead-lettered, by topic',
        labelNames: ['topic'],
        registers,
      }),
    ],
    [
      'expired',
      new Counter({
        name: 'batch_expired_total',
        help: 'Records whose event is older than BATCH_RETENTION and was not loaded, by topic',
        labelNames: ['topic'],
        registers,
      }),
    ],
    [
      'erased',
      new Counter({
        name: 'batch_erased_total',
        help: 'Records of an erased rider or device that were not loaded, by topic',
        labelNames: ['topic'],
        registers,
      }),
    ],
    [
      'skipped',
      new Counter({
        name: 'batch_skipped_offsets_total',
        help: 'Offsets without a record to load, by topic: transaction markers, aborted and compacted records',
        labelNames: ['topic'],
        registers,
      }),
    ],
  ]);
}
