import { LogError, type Admin, type TopicPartition } from '@hailstream/log';
import { sleep } from '@hailstream/service/timers';

/** How often the committed offsets are looked up. */
const POLL_MS = 200;

/** The ends of some topics at one moment. */
export class LogEnds {
  private constructor(private readonly ends: ReadonlyMap<string, ReadonlyMap<number, bigint>>) {}

  /** Looks up the last stable offset of every partition. */
  static async now(admin: Admin, topics: readonly string[]): Promise<LogEnds> {
    const ends = new Map<string, ReadonlyMap<number, bigint>>();
    for (const topic of topics) {
      const offsets = await admin.offsets(topic, { isolation: 'read_committed' });
      // A partition whose records are all deleted has nothing to deliver.
      const present = [...offsets].filter(([, { earliest, latest }]) => latest > earliest);
      ends.set(topic, new Map(present.map(([partition, { latest }]) => [partition, latest])));
    }
    return new LogEnds(ends);
  }

  of({ topic, partition }: TopicPartition): bigint | undefined {
    return this.ends.get(topic)?.get(partition);
  }

  /** Whether a consumer group has committed all of them. */
  async areCommitted(admin: Admin, groupId: string): Promise<boolean> {
    for (const [topic, partitions] of this.ends) {
      const committed = await admin.committed(groupId, topic);
      for (const [partition, end] of partitions) if ((committed.get(partition) ?? -1n) < end) return false;
    }
    return true;
  }
}

/**
 * Resolves once a group has committed these ends, or the signal is aborted.
 *
 * @throws LogError if the log does not respond for `patienceMs`
 */
export async function untilDelivered(
  ends: LogEnds,
  options: {
    readonly admin: Admin;
    readonly groupId: string;
    readonly patienceMs: number;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { admin, groupId, patienceMs, signal } = options;
  let respondedAt = performance.now();
  while (!signal.aborted) {
    try {
      if (await ends.areCommitted(admin, groupId)) return;
      respondedAt = performance.now();
    } catch (error) {
      const isOver = performance.now() - respondedAt > patienceMs;
      if (!(error instanceof LogError) || !error.retryable || isOver) throw error;
    }
    await sleep(POLL_MS, signal);
  }
}
