import type { TopicIdentity } from '@hailstream/log';
import type { KeyframeHeader } from '../archive/keyframe.js';

/** The log as it is now: the identity of each topic, and the first offset and the end of each of its partitions. */
export interface PresentLog {
  readonly identities: ReadonlyMap<string, TopicIdentity>;
  readonly offsets: ReadonlyMap<
    string,
    ReadonlyMap<number, { readonly earliest: bigint; readonly latest: bigint }>
  >;
}

/** Why the log does not continue a keyframe; `null` if it does. */
export function discontinuity(header: KeyframeHeader, { identities, offsets }: PresentLog): string | null {
  for (const [topic, { clusterId, topicId }] of identities) {
    const known = header.topics[topic];
    if (known === undefined) return `it has no positions of ${topic}`;
    if (header.clusterId !== clusterId)
      return `it is of cluster ${header.clusterId}, the log is of ${clusterId}`;
    if (known.topicId !== topicId)
      return `${topic} was recreated: its id is ${topicId}, it was ${known.topicId}`;
    for (const [partition, { earliest, latest }] of offsets.get(topic) ?? []) {
      const next = BigInt(known.offsets[partition] ?? 0);
      if (next < earliest)
        return `${topic}-${partition} was deleted up to offset ${earliest}, it ends at ${next}`;
      if (next > latest) return `${topic}-${partition} ends at offset ${latest}, before its position ${next}`;
    }
  }
  return null;
}

/** How many records follow a keyframe in the log. */
export function recordsAfter(header: KeyframeHeader, { offsets }: PresentLog): bigint {
  let records = 0n;
  for (const [topic, partitions] of offsets) {
    for (const [partition, { latest }] of partitions) {
      records += latest - BigInt(header.topics[topic]?.offsets[partition] ?? 0);
    }
  }
  return records;
}
