import { batchGroup } from '@hailstream/events';
import { partitionName, readDeadLetter, type RangeReader, type TopicPartition } from '@hailstream/log';
import type { InspectedPartition } from '../positions/inspect.js';
import { isRefusal } from '../positions/verdict.js';

/** Dead letters that are kept in memory at most. */
const MAX_PENDING = 1_000_000;

/** Too many dead letters wait to be loaded. */
class PendingRejectsError extends Error {
  override readonly name = 'PendingRejectsError';
}

/** Rejects of batch in the dead-letter topic that no load has read into `ride.dead_letters` yet. */
export class PendingRejects {
  private readonly offsets = new Map<string, Set<bigint>>();
  private count = 0;

  /**
   * Reads the dead letters after the stored positions of the dead-letter topic.
   *
   * @throws PendingRejectsError if there are more than {@link MAX_PENDING}
   */
  static async read(
    reader: RangeReader,
    inspected: readonly InspectedPartition[],
    signal: AbortSignal,
  ): Promise<PendingRejects> {
    const pending = new PendingRejects();
    const ranges = inspected
      .filter(({ isInLog }) => isInLog)
      .map(({ topic, partition, present, stored, earliest, stable, verdict }) => {
        const position = isRefusal(verdict) ? earliest : (stored?.nextOffset ?? earliest);
        const from = position > earliest ? position : earliest;
        return { topic, partition, topicId: present!.topicId, from, to: stable };
      })
      .filter(({ from, to }) => from < to);
    if (ranges.length === 0) return pending;
    const read = await reader.readRange({
      ranges,
      signal,
      // A dead letter that the log no longer has is not pending.
      onGap: () => undefined,
      onUndecodable: () => undefined,
    });
    for await (const { records } of read) {
      for (const record of records) {
        const origin = readDeadLetter(record);
        if (origin?.groupId === batchGroup) pending.add(origin, origin.offset);
      }
    }
    return pending;
  }

  has({ topic, partition }: TopicPartition, offset: bigint): boolean {
    return this.offsets.get(partitionName(topic, partition))?.has(offset) ?? false;
  }

  /** Whether one of the offsets of a batch is a reject. */
  hasIn({ topic, partition }: TopicPartition, from: bigint, last: bigint): boolean {
    const offsets = this.offsets.get(partitionName(topic, partition)) ?? [];
    return [...offsets].some((offset) => offset >= from && offset <= last);
  }

  private add({ topic, partition }: TopicPartition, offset: bigint): void {
    this.count += 1;
    if (this.count > MAX_PENDING) {
      throw new PendingRejectsError(
        `more than ${MAX_PENDING} dead letters are not loaded yet: load them first (npm run batch -- run)`,
      );
    }
    const name = partitionName(topic, partition);
    const offsets = this.offsets.get(name) ?? new Set();
    offsets.add(offset);
    this.offsets.set(name, offsets);
  }
}
