import type { CommittedOffset } from './offsets-log.js';
import { partitionName } from '../../../protocol/topic-partition.js';

/** The committed offset of a group for a partition. */
export interface GroupOffset {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly value: CommittedOffset;
  /** Order of the commits. The later commit for a partition wins, whichever transaction ends first. */
  readonly order: number;
}

/** Offsets committed in open transactions, by producer id. */
export class PendingOffsets {
  private readonly byProducer = new Map<bigint, Map<string, GroupOffset>>();

  add(producerId: bigint, offset: GroupOffset): void {
    const own = this.byProducer.get(producerId) ?? new Map<string, GroupOffset>();
    own.set(keyOf(offset), offset);
    this.byProducer.set(producerId, own);
  }

  /** Memory of all offsets. */
  sizeBytes(bytesOf: (offset: { topic: string; metadata: string }) => number): number {
    let sum = 0;
    for (const own of this.byProducer.values()) {
      for (const { topic, value } of own.values()) sum += bytesOf({ topic, metadata: value.metadata });
    }
    return sum;
  }

  /** Removes an offset that was not written, unless a later one replaced it. */
  drop(producerId: bigint, offset: GroupOffset): void {
    const own = this.byProducer.get(producerId);
    if (own?.get(keyOf(offset)) !== offset) return;
    own.delete(keyOf(offset));
    if (own.size === 0) this.byProducer.delete(producerId);
  }

  /** Removes and returns the offsets of a transaction. */
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

  /** Whether an open transaction has committed an offset for the group. */
  hasAnyOf(group: string): boolean {
    for (const own of this.byProducer.values()) {
      for (const offset of own.values()) if (offset.group === group) return true;
    }
    return false;
  }

  /** Removes the offsets that match. */
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
