import { MalformedRequestError, Reader } from '../../../protocol/reader.js';
import type { Group } from './group.js';

const CONSUMER_PROTOCOL = 'consumer';

/*
 * The metadata of a consumer begins with: version int16 · topics array of strings.
 */

/**
 * Topics that the members of a consumer group are subscribed to; empty for groups of another protocol type.
 *
 * @returns undefined if the metadata of a member cannot be decoded: it may be subscribed to any topic
 */
export function subscribedTopics(group: Group): Set<string> | undefined {
  const topics = new Set<string>();
  if (group.protocolType !== CONSUMER_PROTOCOL) return topics;
  for (const member of group.members.values()) {
    const metadata = group.metadataOf(member);
    if (metadata.length === 0) continue;
    try {
      for (const topic of topicsIn(metadata)) topics.add(topic);
    } catch (error) {
      if (error instanceof MalformedRequestError) return undefined;
      throw error;
    }
  }
  return topics;
}

/** @throws MalformedRequestError */
function topicsIn(metadata: Buffer): string[] {
  const reader = new Reader(metadata);
  reader.int16();
  const topics: string[] = [];
  const count = reader.arrayLength();
  if (count < 0) throw new MalformedRequestError('topics of a subscription are null');
  for (let i = 0; i < count; i++) topics.push(reader.string());
  return topics;
}
