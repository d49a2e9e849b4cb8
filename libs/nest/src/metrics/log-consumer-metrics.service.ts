import type { ConsumerGap, UndecodableBatch } from '@hailstream/log';
import { Injectable } from '@nestjs/common';
import { Counter, Registry } from 'prom-client';

/** Counts gaps and undecodable batches, for `onGap` and `onUndecodable` of a consumer. */
@Injectable()
export class LogConsumerMetrics {
  private readonly gaps: Counter<'topic' | 'cause'>;
  private readonly gapOffsets: Counter<'topic' | 'cause'>;
  private readonly undecodable: Counter<'topic'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.gaps = new Counter({
      name: 'log_consumer_gaps_total',
      help: 'Gaps in the offsets read, by topic and cause',
      labelNames: ['topic', 'cause'],
      registers,
    });
    this.gapOffsets = new Counter({
      name: 'log_consumer_gap_offsets_total',
      help: 'Offsets that cannot be read, by topic and cause',
      labelNames: ['topic', 'cause'],
      registers,
    });
    this.undecodable = new Counter({
      name: 'log_consumer_undecodable_batches_total',
      help: 'Record batches that cannot be decoded and were skipped, by topic',
      labelNames: ['topic'],
      registers,
    });
  }

  countGap({ topic, cause, expected, found }: ConsumerGap): void {
    this.gaps.inc({ topic, cause });
    // Beyond the end of the log, the number of missing offsets is unknown.
    if (found > expected) this.gapOffsets.inc({ topic, cause }, Number(found - expected));
  }

  countUndecodable({ topic }: UndecodableBatch): void {
    this.undecodable.inc({ topic });
  }
}
