import { randomUUID } from 'node:crypto';
import { auditTopic } from '@hailstream/events';
import { auditKey, type AuditRecord } from '@hailstream/events/audit';
import { LogError, type OutgoingRecord, type Producer } from '@hailstream/log';
import { LOGGER, LogTopics, PRODUCER } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { RateLimitedLogger } from '@hailstream/service/rate-limited-logger';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Counter, Registry } from 'prom-client';
import { AuditCounts } from './audit-counts.js';

/** How often counts are written. */
const WRITE_EVERY_MS = 10_000;

/**
 * Writes counts of accepted and rejected items to `ride.audit`. Requests only increment numbers in memory: they do not wait for
 * these records and do not fail if they cannot be written. While the log is unreachable, nothing is sent.
 */
@Injectable()
export class AuditService implements OnModuleInit, BeforeApplicationShutdown {
  readonly counts = new AuditCounts(randomUUID());
  private readonly problems: RateLimitedLogger;
  private readonly written: Counter<'outcome'>;
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> | null = null;

  constructor(
    @Inject(PRODUCER) private readonly producer: Producer,
    private readonly topics: LogTopics,
    @Inject(LOGGER) logger: Logger,
    registry: Registry,
  ) {
    this.problems = new RateLimitedLogger(logger.child({ component: 'audit' }));
    this.written = new Counter({
      name: 'ingest_audit_records_total',
      help: 'Records with counts of accepted and rejected items, by outcome: written, or failed and sent again later',
      labelNames: ['outcome'],
      registers: [registry],
    });
    const { counts } = this;
    new Counter({
      name: 'ingest_audit_uncounted_items_total',
      help: 'Items that are in no audit record because there were too many providers within a minute',
      registers: [registry],
      collect() {
        this.reset();
        this.inc(counts.uncounted);
      },
    });
  }

  onModuleInit(): void {
    this.timer = setInterval(() => void this.write(), WRITE_EVERY_MS);
    this.timer.unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.write();
    this.problems.stop();
  }

  /** Writes the counts that have changed. Never rejects. */
  write(): Promise<void> {
    this.writing ??= this.append().finally(() => (this.writing = null));
    return this.writing;
  }

  private async append(): Promise<void> {
    if (!this.topics.ready) return;
    const records = this.counts.take(Date.now());
    if (records.length === 0) return;
    const failed = await this.send(records);
    this.counts.putBack(failed);
    this.written.inc({ outcome: 'written' }, records.length - failed.length);
    this.written.inc({ outcome: 'failed' }, failed.length);
  }

  /** Returns the records that were not written. */
  private async send(records: readonly AuditRecord[]): Promise<readonly AuditRecord[]> {
    try {
      const results = await this.producer.send(records.map(toOutgoing));
      const failure = results.find((result) => result.kind === 'failed');
      if (failure?.kind === 'failed')
        this.problems.warn({ err: failure.error }, 'audit records not written, will retry');
      return records.filter((_, index) => results[index]?.kind === 'failed');
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      this.problems.warn({ err: error }, 'audit records not written, will retry');
      return records;
    }
  }
}

function toOutgoing(record: AuditRecord): OutgoingRecord {
  return { topic: auditTopic.name, key: auditKey(record), value: Buffer.from(JSON.stringify(record)) };
}
