import { ErrorCode, ProtocolError } from '../../protocol/error-codes.js';
import type { Topic } from '../storage/topics/log-store.js';
import type { RequestContext } from './handler.js';

/**
 * Creates a topic on first use if `auto.create.topics.enable` is set.
 *
 * @throws ProtocolError `UNKNOWN_TOPIC_OR_PARTITION` if it is not
 */
export async function topicForWriting(name: string, context: RequestContext): Promise<Topic> {
  const { config, store, logger, clientId } = context;
  if (!config.boolean('auto.create.topics.enable')) {
    throw new ProtocolError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `Topic '${name}' does not exist.`);
  }
  try {
    const partitions = config.number('num.partitions');
    const topic = await store.create(name, partitions, {});
    logger.info({ topic: name, partitions, clientId }, 'topic created on first use');
    return topic;
  } catch (error) {
    const made = store.topic(name);
    if (made !== undefined) return made;
    throw error;
  }
}
