import type { CommittedOffset } from './offsets-log.js';
import type { Group } from '../membership/group.js';
import { subscribedTopics } from '../membership/subscription.js';

/** What a group has committed, and since when it has no members. */
export interface GroupOffsets<Offset extends CommittedOffset & { topic: string }> {
  readonly group: Group;
  readonly offsets: Iterable<Offset>;
  readonly emptySinceMs: number;
}

/**
 * Offsets that nobody is going to read on from. A group that lost its members keeps them for so long from then on; where
 * offsets are committed without members, each is kept for so long from its commit; of a group that reads, those of
 * topics that no member reads any longer.
 *
 * @see KIP-211
 */
export function expiredOffsets<Offset extends CommittedOffset & { topic: string }>(
  { group, offsets, emptySinceMs }: GroupOffsets<Offset>,
  { nowMs, keptMs }: { nowMs: number; keptMs: number },
): Offset[] {
  const isOld = (offset: Offset) => nowMs - Number(offset.commitTimestamp) >= keptMs;
  // A group that never had members has no protocol.
  if (!group.protocolType) return [...offsets].filter(isOld);
  if (group.isEmpty) return nowMs - emptySinceMs >= keptMs ? [...offsets] : [];
  if (group.state !== 'Stable' || group.protocolType !== 'consumer') return [];
  const read = subscribedTopics(group);
  if (read === undefined) return [];
  return [...offsets].filter((offset) => !read.has(offset.topic) && isOld(offset));
}
