import type { VerifiedBatch } from '../../_verifying-receiver.js';
import { Places } from './places.js';
import { eventNumber, FAMILIES, type RecordedLog } from './recorded-log.js';

/** Checks batches that a webhook receives. */
export class WebhookAudit {
  /** Records that were received again. */
  repeated = 0;
  private readonly places: Places;
  private readonly newest = new Map<string, number>();
  private failure: Error | undefined;

  constructor(private readonly log: RecordedLog) {
    this.places = new Places(log);
  }

  receive({ topic, partition, records }: VerifiedBatch): void {
    try {
      for (const { offset, event } of records) this.add(topic, partition, Number(offset), event);
    } catch (error) {
      this.failure ??= error as Error;
    }
  }

  /** @throws Error if a valid record was not received, or if one was first received after a later one of its partition */
  require(): void {
    if (this.failure) throw this.failure;
    this.places.require('webhook', ['first', 'repeat']);
  }

  private add(topic: string, partition: number, offset: number, event: Record<string, unknown>): void {
    const place = `${topic}/${partition}`;
    const family = FAMILIES.find((each) => each.topic.name === topic)!;
    const id = String(event[family.fields.id]);
    if (eventNumber(id) !== this.log.recordAt(topic, partition, offset).event)
      throw new Error(`webhook: ${place}/${offset} is the event ${id}, which the log does not have there`);
    if (!this.places.add(topic, partition, offset)) {
      this.repeated += 1;
      return;
    }
    const newest = this.newest.get(place) ?? -1;
    if (offset < newest) throw new Error(`webhook: ${place}/${offset} was received after ${newest}`);
    this.newest.set(place, offset);
  }
}
