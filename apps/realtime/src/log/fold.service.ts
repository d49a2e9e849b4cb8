import { EventDecodeError } from '@hailstream/events';
import type {
  ConsumerGap,
  ConsumerPosition,
  LogRecord,
  RecordBatch,
  UndecodableBatch,
} from '@hailstream/log';
import { LOGGER, LogConsumerMetrics } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { Inject, Injectable } from '@nestjs/common';
import { CityState } from '../fold/city-state.js';
import { RealtimeMetrics, type RecordOutcome } from '../metrics/realtime-metrics.service.js';
import { decoders } from './decode.js';
import { LogPositions } from './positions.js';

/** Most receipts kept between two ticks, to tell how long it takes from receipt to sight. */
const MAX_RECEIPTS = 1_000;

/** Folds batches of the log into the city. */
@Injectable()
export class FoldService {
  private receipts: number[] = [];
  private readonly logger: Logger;

  constructor(
    private readonly city: CityState,
    private readonly positions: LogPositions,
    private readonly metrics: RealtimeMetrics,
    private readonly logMetrics: LogConsumerMetrics,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.logger = logger.child({ component: 'fold' });
  }

  /**
   * Folds what of a batch was not folded before. What can't be decoded is counted and passed over: it stays in the log,
   * and every realtime process meets it again whenever it rebuilds, so that a dead letter for each would say nothing new.
   */
  fold(batch: RecordBatch): void {
    const { topic, partition, records, nextOffset, highWatermark } = batch;
    const fresh = records.filter(({ offset }) => this.positions.isNew(topic, partition, offset));
    const [oldest] = fresh;
    // What is read to rebuild was received long before anybody could see it here.
    const isTimed = this.positions.isCaughtUp && this.receipts.length < MAX_RECEIPTS;
    if (isTimed && oldest !== undefined) this.receipts.push(oldest.timestampMs);
    for (const record of fresh) {
      const outcome = this.foldRecord(topic, record);
      if (outcome instanceof EventDecodeError) {
        this.logger.warn(
          { err: outcome, topic, partition, offset: String(record.offset) },
          'unreadable record',
        );
        this.metrics.countRecord(topic, 'unreadable');
      } else {
        this.metrics.countRecord(topic, outcome);
      }
      this.positions.advance(topic, partition, record.offset + 1n);
    }
    this.positions.advance(topic, partition, nextOffset);
    this.positions.ends(topic, partition, highWatermark);
  }

  /** Up to this position there is nothing more to fold. */
  pass({ topic, partition, nextOffset }: ConsumerPosition): void {
    this.positions.advance(topic, partition, nextOffset);
  }

  /** What the log no longer has, or never had, is counted; the city is what the rest of it says. */
  countGap(gap: ConsumerGap): void {
    this.logMetrics.countGap(gap);
  }

  /** As with a record that can't be decoded: it stays in the log for those who look into it. */
  async countUndecodable(batch: UndecodableBatch): Promise<void> {
    this.logMetrics.countUndecodable(batch);
    this.metrics.countRecord(batch.topic, 'unreadable');
  }

  /** When what was folded since the last call had been received: of each batch, the oldest record. */
  takeReceipts(): number[] {
    const receipts = this.receipts;
    this.receipts = [];
    return receipts;
  }

  private foldRecord(topic: string, record: LogRecord): RecordOutcome | EventDecodeError {
    const decode = decoders.get(topic);
    if (decode === undefined) throw new Error(`no decoder for the topic ${topic}`);
    try {
      return this.city.fold(decode(record.value), { receivedAt: record.timestampMs, now: Date.now() });
    } catch (error) {
      if (error instanceof EventDecodeError) return error;
      throw error;
    }
  }
}
