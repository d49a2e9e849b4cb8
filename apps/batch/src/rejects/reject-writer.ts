import { batchGroup } from '@hailstream/events';
import { partitionName, type DeadLetter, type DeadLetterQueue, type TopicPartition } from '@hailstream/log';
import type { Reject } from '../rows/encode-chunk.js';

/** Maximum wait for the dead-letter topic: less than the bound of an idle transaction, which is open if Postgres rejected rows. */
const WRITE_TIMEOUT_MS = 20_000;

/**
 * Writes rejects to the dead-letter queue, before the position after them is committed. A chunk that is retried by the same
 * process does not write its rejects again.
 */
export class RejectWriter {
  private readonly written = new Map<string, Set<bigint>>();

  constructor(private readonly queue: DeadLetterQueue) {}

  /** @throws LogError (retryable) if the dead-letter topic does not accept them in time */
  async write({ topic, partition }: TopicPartition, rejects: readonly Reject[]): Promise<void> {
    if (rejects.length === 0) return;
    const name = partitionName(topic, partition);
    const written = this.written.get(name) ?? new Set();
    this.written.set(name, written);
    const missing = rejects.filter(({ record }) => !written.has(record.offset));
    const letters = missing.map((reject) => toDeadLetter({ topic, partition }, reject));
    await this.queue.write(letters, { signal: AbortSignal.timeout(WRITE_TIMEOUT_MS) });
    for (const { record } of missing) written.add(record.offset);
  }

  /** Called when the chunk of rejects was committed. */
  committed({ topic, partition }: TopicPartition): void {
    this.written.delete(partitionName(topic, partition));
  }
}

function toDeadLetter(place: TopicPartition, { record, reason, batch, headers = {} }: Reject): DeadLetter {
  const error = new Error(reason);
  if (batch) {
    return { ...batch, kind: 'batch', baseOffset: record.offset, reason: error, groupId: batchGroup };
  }
  return {
    kind: 'record',
    ...place,
    record: { ...record, headers },
    reason: error,
    attempts: 1,
    groupId: batchGroup,
  };
}
