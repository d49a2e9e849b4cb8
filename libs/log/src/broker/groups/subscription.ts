import { Reader } from '../../protocol/reader.js';
import type { Group } from './group.js';

const CONSUMER_PROTOCOL = 'consumer';

/*
 * What a consumer says when it joins begins: version int16 · topics array of strings.
 */

/** Topics that the members of a consumer group read; none where the group is of another kind. */
export function subscribedTopics(group: Group): Set<string> {
  const topics = new Set<string>();
  if (group.protocolType !== CONSUMER_PROTOCOL) return topics;
  for (const member of group.members.values()) {
    const reader = new Reader(group.metadataOf(member));
    if (reader.remaining === 0) continue;
    reader.int16();
    for (let left = reader.arrayLength(); left > 0; left--) topics.add(reader.string());
  }
  return topics;
}
