import { partitionName, type PartitionLag, type TopicPartition } from '@hailstream/log';

/** How long the position of a partition may stay unchanged while records follow it. */
export const STALLED_AFTER_MS = 30_000;

/** A partition whose position does not change although records follow it. */
export interface Stall extends TopicPartition {
  readonly position: bigint;
  readonly records: bigint;
  /** When the position last changed, or records followed it first, in milliseconds. */
  readonly since: number;
}

/** Finds partitions that are not read although they have records to read. */
export class Stalls {
  private readonly since = new Map<string, { readonly position: bigint; readonly at: number }>();

  /** Notes the lag of all partitions at `now`, by a monotonic clock. Returns those that stall, by the clock `date`. */
  observe(lags: readonly PartitionLag[], now: number, date: number): Stall[] {
    const stalled: Stall[] = [];
    for (const { topic, partition, position, records } of lags) {
      const name = partitionName(topic, partition);
      const known = this.since.get(name);
      if (records === 0n) this.since.delete(name);
      else if (known?.position !== position) this.since.set(name, { position, at: now });
      else if (now - known.at >= STALLED_AFTER_MS) {
        stalled.push({ topic, partition, position, records, since: Math.round(date - (now - known.at)) });
      }
    }
    return stalled;
  }

  clear(): void {
    this.since.clear();
  }
}
