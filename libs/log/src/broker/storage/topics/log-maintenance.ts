import { setLongInterval, type LongTimer } from '@hailstream/service/timers';
import type { Logger } from 'pino';
import type { BrokerConfig } from '../../config/config.js';
import type { PartitionLog } from '../partition/partition-log.js';

/** The logs to maintain, and what is persisted about them. */
interface MaintainedLogs {
  all(): readonly { readonly name: string; readonly partitions: readonly PartitionLog[] }[];
  /** Persists the offsets up to which logs are synced: recovery checks what follows them. */
  saveRecoveryPoints(): Promise<void>;
}

/** Background work on the logs of a broker: sync, checkpoints, compaction and retention. */
export class LogMaintenance {
  private timers: LongTimer[] = [];
  /** Syncs, checkpoints and retention run one after another. */
  private last: Promise<void> = Promise.resolve();
  /** Compaction runs concurrently: it may take minutes. */
  private compacting: Promise<void> | undefined;
  private readonly stopped = new AbortController();

  constructor(
    private readonly logs: MaintainedLogs,
    private readonly config: BrokerConfig,
    private readonly logger: Logger,
  ) {}

  start(): void {
    const { config } = this;
    this.every(config.number('log.flush.scheduler.interval.ms'), () => this.flushDue());
    this.every(config.number('log.flush.offset.checkpoint.interval.ms'), () =>
      this.logs.saveRecoveryPoints(),
    );
    this.every(config.number('log.cleaner.backoff.ms'), async () => {
      this.compacting ??= this.compactAll().finally(() => {
        this.compacting = undefined;
      });
    });
    this.every(config.number('log.retention.check.interval.ms'), () => this.applyRetention());
  }

  /** Aborts compaction and waits for work in progress. */
  async stop(): Promise<void> {
    this.stopped.abort();
    for (const timer of this.timers) timer.clear();
    this.timers = [];
    await this.last;
    await this.compacting;
  }

  /** Syncs logs with writes older than `flush.ms`, or that will be before the next call. */
  async flushDue(): Promise<void> {
    const intervalMs = this.config.number('log.flush.scheduler.interval.ms');
    await this.forEachLog('sync', (log) => log.flushIfDue(intervalMs));
  }

  /** Compacts the partitions of compacted topics, one after another. */
  async compactAll(): Promise<void> {
    await this.forEachLog('compaction', (log) => log.compact(this.stopped.signal));
  }

  /** Removes old segments and the state of producers that have expired. */
  async applyRetention(): Promise<void> {
    await this.forEachLog('retention', async (log) => {
      log.forgetProducers(this.config.number('producer.id.expiration.ms'));
      await log.applyRetention();
    });
  }

  /** Repeats work at an interval. Work that is still queued or running is not queued twice. */
  private every(ms: number, work: () => Promise<void>): void {
    let busy = false;
    const timer = setLongInterval(() => {
      if (busy) return;
      busy = true;
      this.last = this.last
        .then(work)
        .catch((err: unknown) => {
          this.logger.error({ err }, 'background work on the log failed, will retry');
        })
        .finally(() => {
          busy = false;
        });
    }, ms);
    this.timers.push(timer.unref());
  }

  /**
   * Runs work on every partition, one after another: concurrent syncs would delay the appends to all of them. After a
   * failure it continues with the next partition.
   */
  private async forEachLog(work: string, run: (log: PartitionLog) => Promise<void>): Promise<void> {
    for (const { name, partitions } of this.logs.all()) {
      for (const [partition, log] of [...partitions].entries()) {
        await run(log).catch((err: unknown) => {
          this.logger.error(
            { err, topic: name, partition, work },
            'background work on the log failed, will retry',
          );
        });
      }
    }
  }
}
