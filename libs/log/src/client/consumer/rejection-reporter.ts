import { RateLimitedLogger, type TargetLogger } from '@hailstream/service/rate-limited-logger';
import type { DeadLetter } from '../dead-letter/dead-letter.js';
import type { RejectedRecord } from './consumer.js';

/** Replaces the dead-letter queue of consumers that must not write rejected records. */
export class RejectionReporter implements Disposable {
  private readonly logger: RateLimitedLogger;

  constructor(
    private readonly onRejected: (rejected: RejectedRecord) => void,
    logger: TargetLogger,
  ) {
    this.logger = new RateLimitedLogger(logger);
  }

  async write(letters: readonly DeadLetter[]): Promise<void> {
    for (const letter of letters) {
      if (letter.kind !== 'record') continue;
      const { topic, partition, record, reason, attempts } = letter;
      const fields = { topic, partition, offset: String(record.offset), attempts, err: reason };
      this.logger.warn(fields, 'record cannot be handled, skipping it');
      this.onRejected({ topic, partition, record, reason, attempts });
    }
  }

  [Symbol.dispose](): void {
    this.logger.stop();
  }
}
