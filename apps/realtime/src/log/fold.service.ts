import { EventDecodeError } from '@hailstream/events';
import type {
  ConsumerGap,
  ConsumerPosition,
  LogRecord,
  RecordBatch,
  RejectedRecord,
  UndecodableBatch,
} from '@hailstream/log';
import { LOGGER, LogConsumerMetrics } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { RateLimitedLogger } from '@hailstream/service/rate-limited-logger';
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { FeedsService } from '../feeds/feeds.service.js';
import { CityState, type CityEvent } from '../fold/city-state.js';
import { ZoneBook } from '../geofences/zone-book.js';
import { RealtimeMetrics, type RecordOutcome } from '../metrics/realtime-metrics.service.js';
import { foldRecord } from './fold-record.js';
import { Turns } from '../turns/turns.js';
import { LogIndex } from './log-index.js';
import { LogPositions } from './positions.js';

/** Maximum number of receipt times kept between two ticks, for the latency from receipt to the page. */
const MAX_RECEIPTS = 1_000;

/**
 * Folds batches of the log into the city. A record that cannot be folded is counted, logged and skipped. It is not written
 * to the dead-letter topic: every realtime process reads every record, and batch writes the dead letter once.
 */
@Injectable()
export class FoldService implements OnModuleDestroy {
  private receipts: number[] = [];
  private readonly problems: RateLimitedLogger;
  private readonly turns = new Turns();

  constructor(
    readonly city: CityState,
    private readonly positions: LogPositions,
    readonly index: LogIndex,
    private readonly zones: ZoneBook,
    private readonly feeds: FeedsService,
    private readonly metrics: RealtimeMetrics,
    private readonly logMetrics: LogConsumerMetrics,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.problems = new RateLimitedLogger(logger.child({ component: 'fold' }));
  }

  onModuleDestroy(): void {
    this.problems.stop();
  }

  /**
   * Folds the records of a batch that were not folded before, in slices: whatever happens in between, the positions are those of
   * the records that are folded. A batch of the same partition may be passed before this one is folded, as after a rebalance.
   */
  async fold({ topic, partition, records, nextOffset }: RecordBatch): Promise<void> {
    const { log } = this.positions;
    let isFirst = true;
    for (const record of records) {
      if (this.turns.isOver) await this.turns.next();
      // The log was replaced meanwhile, and the city is rebuilt from the other one.
      if (this.positions.log !== log) return;
      if (!this.positions.isNew(topic, partition, record.offset)) continue;
      if (isFirst) this.noteReceipt(record);
      isFirst = false;
      this.metrics.countRecord(topic, this.foldRecord(topic, partition, record));
      this.positions.advance(topic, partition, record.offset + 1n);
    }
    this.positions.advance(topic, partition, nextOffset);
  }

  /** Notes a position up to which a partition has no record to fold. */
  skipTo({ topic, partition, nextOffset }: ConsumerPosition): void {
    this.positions.advance(topic, partition, nextOffset);
  }

  /** Counts offsets that the log does not have. */
  skipGap(gap: ConsumerGap): void {
    this.logMetrics.countGap(gap);
    const { topic, partition, expected, found, cause } = gap;
    if (cause === 'unexplained') {
      const offsets = { from: Number(expected), to: Number(found) };
      this.index.noteUnreadable({ topic, partition, ...offsets, received: null });
    }
    if (cause !== 'log-end') this.positions.advance(topic, partition, found);
  }

  /** Counts and skips a batch that cannot be decoded. */
  async skipUndecodable(batch: UndecodableBatch): Promise<void> {
    const { topic, partition, baseOffset, lastOffset } = batch;
    this.logMetrics.countUndecodable(batch);
    this.metrics.countRecord(topic, 'unreadable');
    const offsets = { from: Number(baseOffset), to: Number(lastOffset) + 1 };
    this.index.noteUnreadable({ topic, partition, ...offsets, received: null });
    this.problems.warn({ topic, partition, offset: String(baseOffset) }, 'skipped an undecodable batch');
    this.positions.advance(topic, partition, lastOffset + 1n);
  }

  /** Counts a record that the consumer skipped because its batch could not be handled. */
  countRejected({ topic, partition, record }: RejectedRecord): void {
    this.metrics.countRecord(topic, 'unreadable');
    this.noteUnreadable(topic, partition, record);
  }

  /** Returns, for each batch folded since the last call, when its oldest record was received. */
  takeReceipts(): number[] {
    const receipts = this.receipts;
    this.receipts = [];
    return receipts;
  }

  /** Records of a rebuild were received long before this process could show them. */
  private noteReceipt({ timestampMs }: LogRecord): void {
    if (this.positions.isCaughtUp && this.receipts.length < MAX_RECEIPTS) this.receipts.push(timestampMs);
  }

  private noteZones({ kind, event }: CityEvent, time: number): void {
    if (kind !== 'telemetry' && kind !== 'vehicle-events') return;
    this.zones.observe({ deviceId: event.device_id, providerId: event.provider_id }, event.location, time);
  }

  private noteUnreadable(topic: string, partition: number, { offset, timestampMs }: LogRecord): void {
    const from = Number(offset);
    this.index.noteUnreadable({ topic, partition, from, to: from + 1, received: timestampMs });
  }

  private foldRecord(topic: string, partition: number, record: LogRecord): RecordOutcome {
    try {
      const { input, outcome, time } = foldRecord(this, { topic, partition }, record);
      if (outcome === 'folded' && time !== null) this.noteZones(input, time);
      if (outcome !== 'erased') this.feeds.note(input, record.timestampMs);
      return outcome;
    } catch (error) {
      const fields = { err: error, topic, partition, offset: String(record.offset) };
      if (error instanceof EventDecodeError) this.problems.warn(fields, 'skipped an unreadable record');
      else this.problems.error(fields, 'skipped a record that failed to fold');
      this.noteUnreadable(topic, partition, record);
      return 'unreadable';
    }
  }
}
