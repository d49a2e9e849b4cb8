import { auditTopic } from '@hailstream/events';
import { decodeAuditRecord } from '@hailstream/events/audit';
import { LogError, type LogRange, type RangeReader } from '@hailstream/log';
import { LOGGER, LogConsumerMetrics, RANGE_READER } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { RateLimitedLogger } from '@hailstream/service/rate-limited-logger';
import { sleep } from '@hailstream/service/timers';
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { FeedsService } from '../feeds/feeds.service.js';
import { UnreadableRecords } from '../log/unreadable-records.js';

/** How often the topic is read. */
const READ_EVERY_MS = 2_000;

/** How far back it is read at first: as far as feeds are measured. */
const HISTORY_MS = 3_600_000;

/** Errors after which the positions are those of another log. */
const lost: ReadonlySet<string> = new Set(['LOG_TRUNCATED', 'TOPIC_RECREATED', 'UNKNOWN_TOPIC']);

/**
 * Reads the audit records of ingest from the log, apart from the events: if they cannot be read, feeds lack the counts of
 * rejected items, and nothing else is affected.
 */
@Injectable()
export class AuditReader implements OnModuleDestroy {
  private readonly stop = new AbortController();
  private readonly problems: RateLimitedLogger;
  private positions = new Map<number, bigint>();
  private unreadable = new UnreadableRecords();
  private notedUnreadable = 0;
  private reading: Promise<void> = Promise.resolve();

  constructor(
    @Inject(RANGE_READER) private readonly reader: RangeReader,
    private readonly feeds: FeedsService,
    private readonly logMetrics: LogConsumerMetrics,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.problems = new RateLimitedLogger(logger.child({ component: 'audit-reader' }));
  }

  /** Reads until the service is closed. Called once the topics exist. */
  start(): void {
    this.reading = this.follow();
  }

  async onModuleDestroy(): Promise<void> {
    this.stop.abort();
    await this.reading;
    this.problems.stop();
  }

  private async follow(): Promise<void> {
    const { signal } = this.stop;
    while (!signal.aborted) {
      try {
        await this.read();
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof LogError && lost.has(error.code)) this.startOver();
        this.problems.warn({ err: error }, 'audit records not read, will retry');
      }
      this.noteUnreadable();
      await sleep(READ_EVERY_MS, signal);
    }
  }

  private async read(): Promise<void> {
    const read = await this.reader.readRange({
      ranges: this.ranges(),
      signal: this.stop.signal,
      onGap: (gap) => {
        this.unreadable.addGap(gap);
        this.logMetrics.countGap(gap);
      },
      onUndecodable: (batch) => {
        this.unreadable.addBatch(batch);
        this.logMetrics.countUndecodable(batch);
        this.problems.warn(
          { partition: batch.partition, offset: String(batch.baseOffset) },
          'skipped an undecodable batch',
        );
      },
    });
    for await (const { topic, partition, records, nextOffset } of read) {
      for (const { offset, value } of records) {
        const record = decodeAuditRecord(value);
        if (record === null) {
          this.unreadable.addRecord({ topic, partition }, offset);
          this.problems.warn({ partition, offset: String(offset) }, 'skipped an unreadable audit record');
        } else {
          this.feeds.noteAudit(record);
        }
      }
      this.positions.set(partition, nextOffset);
    }
    for (const { partition, to } of read.ranges) this.positions.set(partition, to);
  }

  private startOver(): void {
    this.positions = new Map();
    this.unreadable = new UnreadableRecords();
    this.notedUnreadable = 0;
  }

  private noteUnreadable(): void {
    const { count } = this.unreadable;
    if (count > this.notedUnreadable) this.feeds.noteUnreadableAudits(count - this.notedUnreadable);
    this.notedUnreadable = count;
  }

  /** All partitions from a time on, or those that are known from where reading ended. */
  private ranges(): LogRange[] {
    const topic = auditTopic.name;
    if (this.positions.size === 0)
      return [{ topic, from: { timestampMs: Date.now() - HISTORY_MS }, to: 'latest' }];
    return Array.from(this.positions, ([partition, from]) => ({
      topic,
      partition,
      from,
      to: 'latest' as const,
    }));
  }
}
