import { ErrorCode, ProtocolError } from '../protocol/error-codes.js';
import type { Topic } from '../storage/log-store.js';
import type { Services } from './handler.js';

/**
 * A topic made on first use, where the broker may.
 *
 * @throws ProtocolError `UNKNOWN_TOPIC_OR_PARTITION` where it may not
 */
export async function topicForWriting(name: string, services: Services): Promise<Topic> {
  const { config, store } = services;
  if (!config.boolean('auto.create.topics.enable')) {
    throw new ProtocolError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `there is no topic ${name}`);
  }
  try {
    return await store.create(name, config.number('num.partitions'), {});
  } catch (error) {
    const made = store.topic(name);
    if (made !== undefined) return made;
    throw error;
  }
}
