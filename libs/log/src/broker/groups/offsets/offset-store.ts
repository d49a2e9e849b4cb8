import type { Outcome } from '../../../protocol/markers.js';
import { partitionName } from '../../../protocol/topic-partition.js';
import type { PartitionLog } from '../../storage/partition/partition-log.js';
import {
  appendEntries,
  type CommittedOffset,
  type OffsetsLogEntry,
  type OffsetsProducer,
} from './offsets-log.js';
import { PendingOffsets, type GroupOffset } from './pending-offsets.js';

/** An offset to commit. */
export interface OffsetToCommit {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly leaderEpoch: number;
  readonly metadata: string | null;
}

/** A committed offset with its partition. */
export interface StoredOffset extends CommittedOffset {
  readonly topic: string;
  readonly partition: number;
  /** Order of the commits. */
  readonly order: number;
}

/** Memory of a committed offset besides its strings. */
const OFFSET_OVERHEAD_BYTES = 256;

/** Memory of a committed offset, approximately. */
export function bytesOfOffset({ topic, metadata }: { topic: string; metadata: string | null }): number {
  return OFFSET_OVERHEAD_BYTES + topic.length + (metadata?.length ?? 0);
}

type OffsetEntry = Extract<OffsetsLogEntry, { kind: 'offset' }>;

/** The committed offsets of all groups, in memory and in the log. */
export class OffsetStore {
  /** Offsets by group id and partition. */
  private readonly groups = new Map<string, Map<string, StoredOffset>>();
  private readonly pending = new PendingOffsets();
  /** Number of commits, in the order of the log. */
  private commits = 0;

  constructor(
    private readonly log: PartitionLog,
    private readonly now: () => number,
  ) {}

  /** Commits offsets. Resolves once they are in the log. */
  async commit(groupId: string, offsets: readonly OffsetToCommit[]): Promise<void> {
    if (offsets.length === 0) return;
    const now = this.now();
    const entries = offsets.map((offset) => this.entryOf(groupId, offset, now));
    await appendEntries(this.log, entries, now);
    for (const entry of entries) this.apply(entry, entry.order);
  }

  /** Commits offsets as part of a transaction. Resolves once they are in the log. */
  async commitInTransaction(
    groupId: string,
    producer: OffsetsProducer,
    offsets: readonly OffsetToCommit[],
  ): Promise<void> {
    if (offsets.length === 0) return;
    const now = this.now();
    const entries = offsets.map((offset) => this.entryOf(groupId, offset, now));
    // Before the write: the marker of the transaction may follow immediately.
    for (const entry of entries) this.pending.add(producer.producerId, entry);
    try {
      await appendEntries(this.log, entries, now, producer);
    } catch (error) {
      for (const entry of entries) this.pending.drop(producer.producerId, entry);
      throw error;
    }
  }

  /** Applies or discards the offsets of a transaction. @returns ids of the groups with committed offsets */
  endTransaction(producerId: bigint, outcome: Outcome): string[] {
    const offsets = this.pending.take(producerId);
    if (outcome === 'abort') return [];
    for (const offset of offsets) this.apply({ kind: 'offset', ...offset }, offset.order);
    return offsets.map(({ group }) => group);
  }

  /** Whether an open transaction has committed an offset for the partition. */
  isUnstable(groupId: string, topic: string, partition: number): boolean {
    return this.pending.has(groupId, topic, partition);
  }

  get(groupId: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.groups.get(groupId)?.get(partitionName(topic, partition));
  }

  all(groupId: string): StoredOffset[] {
    return [...(this.groups.get(groupId)?.values() ?? [])];
  }

  /** Whether a group has committed offsets, also in open transactions. */
  hasAny(groupId: string): boolean {
    return (this.groups.get(groupId)?.size ?? 0) > 0 || this.pending.hasAnyOf(groupId);
  }

  /** Memory of all offsets, also of those in open transactions. */
  sizeBytes(): number {
    let sum = this.pending.sizeBytes(bytesOfOffset);
    for (const offsets of this.groups.values())
      for (const each of offsets.values()) sum += bytesOfOffset(each);
    return sum;
  }

  /** Ids of the groups that have had committed offsets. */
  groupIds(): string[] {
    return [...this.groups.keys()];
  }

  /** Removes offsets of a group. Resolves once that is in the log. */
  async remove(
    groupId: string,
    partitions: readonly { readonly topic: string; readonly partition: number }[],
  ): Promise<void> {
    const committed = partitions.filter(
      ({ topic, partition }) => this.get(groupId, topic, partition) !== undefined,
    );
    if (committed.length === 0) return;
    const entries = committed.map(({ topic, partition }) => tombstone(groupId, topic, partition));
    await appendEntries(this.log, entries, this.now());
    for (const entry of entries) this.apply(entry, ++this.commits);
  }

  /** Removes the offsets of a deleted topic. */
  async removeTopic(topic: string): Promise<void> {
    this.pending.dropWhere((offset) => offset.topic === topic);
    for (const groupId of this.groupIds()) {
      await this.remove(
        groupId,
        this.all(groupId).filter((offset) => offset.topic === topic),
      );
    }
  }

  /** The log entries that remove all offsets of a group. */
  tombstones(groupId: string): OffsetEntry[] {
    return this.all(groupId).map(({ topic, partition }) => tombstone(groupId, topic, partition));
  }

  /** Discards the offsets of a group whose removal is in the log. */
  discard(groupId: string): void {
    this.pending.dropWhere((offset) => offset.group === groupId);
    this.groups.delete(groupId);
  }

  /** Applies an entry that was read from the log. @param transaction producer id of its transaction */
  restore(entry: OffsetEntry, transaction: bigint | undefined): void {
    const order = ++this.commits;
    if (transaction === undefined || entry.value === null) this.apply(entry, order);
    else this.pending.add(transaction, { ...entry, value: entry.value, order });
  }

  /** Discards the committed offsets of a group with a tombstone in the log that is read. */
  restoreTombstone(groupId: string): void {
    this.groups.delete(groupId);
  }

  private apply({ group, topic, partition, value }: OffsetEntry, order: number): void {
    const offsets = this.groups.get(group) ?? new Map<string, StoredOffset>();
    this.groups.set(group, offsets);
    const key = partitionName(topic, partition);
    const later = offsets.get(key);
    if (value === null) offsets.delete(key);
    else if (later === undefined || later.order < order) {
      const { offset, leaderEpoch, metadata, commitTimestamp } = value;
      // Not a copy by `...value`, which takes most of the time and memory of a replay.
      offsets.set(key, { offset, leaderEpoch, metadata, commitTimestamp, topic, partition, order });
    }
  }

  private entryOf(
    group: string,
    { topic, partition, offset, leaderEpoch, metadata }: OffsetToCommit,
    nowMs: number,
  ): { kind: 'offset' } & GroupOffset {
    const value = { offset, leaderEpoch, metadata: metadata ?? '', commitTimestamp: BigInt(nowMs) };
    return { kind: 'offset', group, topic, partition, value, order: ++this.commits };
  }
}

function tombstone(group: string, topic: string, partition: number): OffsetEntry {
  return { kind: 'offset', group, topic, partition, value: null };
}
