import type { CommittedOffset } from './offsets-log.js';
import { partitionName } from '../../../protocol/partition-name.js';

/** An offset with what it is of. */
export interface GroupOffset {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly value: CommittedOffset;
  /** Place among all commits: of two for one partition the later holds, whichever transaction ends first. */
  readonly order: number;
}

/** Offsets that were committed inside of transactions whose outcome is not known, by producer id. */
export class PendingOffsets {
  private readonly byProducer = new Map<bigint, Map<string, GroupOffset>>();

  add(producerId: bigint, offset: GroupOffset): void {
    const own = this.byProducer.get(producerId) ?? new Map<string, GroupOffset>();
    own.set(keyOf(offset), offset);
    this.byProducer.set(producerId, own);
  }

  /** Takes back one that was not written, unless another has come for the same partition. */
  drop(producerId: bigint, offset: GroupOffset): void {
    const own = this.byProducer.get(producerId);
    if (own?.get(keyOf(offset)) !== offset) return;
    own.delete(keyOf(offset));
    if (own.size === 0) this.byProducer.delete(producerId);
  }

  /** Forgets what a producer's transaction has left, and hands it over. */
  take(producerId: bigint): GroupOffset[] {
    const own = this.byProducer.get(producerId);
    this.byProducer.delete(producerId);
    return [...(own?.values() ?? [])];
  }

  has(group: string, topic: string, partition: number): boolean {
    const key = keyOf({ group, topic, partition });
    for (const own of this.byProducer.values()) if (own.has(key)) return true;
    return false;
  }

  /** Whether a transaction has committed anything for the group. */
  hasAnyOf(group: string): boolean {
    for (const own of this.byProducer.values()) {
      for (const offset of own.values()) if (offset.group === group) return true;
    }
    return false;
  }

  /** Forgets those of a group, or of a topic. */
  dropWhere(matches: (offset: GroupOffset) => boolean): void {
    for (const [producerId, own] of this.byProducer) {
      for (const [key, offset] of own) if (matches(offset)) own.delete(key);
      if (own.size === 0) this.byProducer.delete(producerId);
    }
  }
}

function keyOf({ group, topic, partition }: Pick<GroupOffset, 'group' | 'topic' | 'partition'>): string {
  return `${partitionName(topic, partition)} ${group}`;
}
