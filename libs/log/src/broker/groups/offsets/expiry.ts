import type { CommittedOffset } from './offsets-log.js';
import type { Group } from '../membership/group.js';
import { subscribedTopics } from '../membership/subscription.js';

/** The committed offsets of a group. */
interface GroupOffsets<Offset extends CommittedOffset & { topic: string }> {
  readonly group: Group;
  readonly offsets: Iterable<Offset>;
  readonly emptySinceMs: number;
}

/**
 * Offsets that have expired (`offsets.retention.minutes`). For a group without members the retention begins when it
 * becomes empty; without group management, with each commit; for topics that no member of a group is subscribed to, with
 * the commit.
 *
 * @see KIP-211
 */
export function expiredOffsets<Offset extends CommittedOffset & { topic: string }>(
  { group, offsets, emptySinceMs }: GroupOffsets<Offset>,
  { nowMs, retentionMs }: { nowMs: number; retentionMs: number },
): Offset[] {
  const isOld = (offset: Offset) => nowMs - Number(offset.commitTimestamp) >= retentionMs;
  // Without group management there is no protocol type.
  if (!group.protocolType) return [...offsets].filter(isOld);
  if (group.isEmpty) return nowMs - emptySinceMs >= retentionMs ? [...offsets] : [];
  if (group.state !== 'Stable' || group.protocolType !== 'consumer') return [];
  const read = subscribedTopics(group);
  if (read === undefined) return [];
  return [...offsets].filter((offset) => !read.has(offset.topic) && isOld(offset));
}
