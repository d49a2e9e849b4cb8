/*
 * DeleteTopics (key 20), versions 0-6.
 *
 * - The records of a topic and the offsets committed for it are removed before the response.
 * - Internal topics cannot be deleted (INVALID_TOPIC_EXCEPTION), and no topic if `delete.topic.enable` is false.
 *
 * 1 throttle time · 4 flexible · 5 message · 6 by topic id
 */
import { ErrorCode, ProtocolError, codeOf } from '../../protocol/error-codes.js';
import * as t from '../../protocol/schema.js';
import { checkNotInternal } from '../storage/topics/internal-topics.js';
import { defineHandler, type RequestContext } from './handler.js';

const request = t.struct({
  topics: t.since(6, t.array(t.struct({ name: t.nullableString, topicId: t.uuid })), []),
  topicNames: t.versions({ last: 5 }, t.array(t.string), []),
  timeoutMs: t.int32,
});

const nameOfTopic: t.Schema<string | null> = {
  read: (reader) => reader.nullableString(),
  write: (writer, value) => writer.nullableString(writer.version >= 6 ? value : (value ?? '')),
};

const response = t.struct({
  throttleTimeMs: t.since(1, t.int32, 0),
  responses: t.array(
    t.struct({
      name: nameOfTopic,
      topicId: t.since(6, t.uuid, t.NO_UUID),
      errorCode: t.int16,
      errorMessage: t.since(5, t.nullableString, null),
    }),
  ),
});

export const deleteTopics = defineHandler({
  apiKey: 20,
  name: 'DeleteTopics',
  minVersion: 0,
  maxVersion: 6,
  flexibleFrom: 4,
  request,
  response,
  async handle({ topics, topicNames }, context) {
    const requested =
      context.apiVersion >= 6 ? topics : topicNames.map((name) => ({ name, topicId: t.NO_UUID }));
    const responses: t.ValueOf<typeof response>['responses'] = [];
    for (const topic of requested) responses.push(await deleteOne(topic, context));
    return { throttleTimeMs: 0, responses };
  },
});

async function deleteOne(
  { name, topicId }: { name: string | null; topicId: string },
  context: RequestContext,
) {
  const { store, coordinator, config, logger, clientId } = context;
  const topic = name === null ? store.topicById(topicId) : store.topic(name);
  try {
    if (!config.boolean('delete.topic.enable')) {
      throw new ProtocolError(
        ErrorCode.POLICY_VIOLATION,
        'topic deletion is disabled: delete.topic.enable is false',
      );
    }
    if ((name === null) === (topicId === t.NO_UUID)) {
      throw new ProtocolError(ErrorCode.INVALID_REQUEST, 'a topic must have either a name or an id');
    }
    if (topic === undefined) {
      const code = name === null ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
      throw new ProtocolError(code, 'This server does not host this topic.');
    }
    checkNotInternal(topic.name);
    await store.delete(topic.name);
    await coordinator.topicDeleted(topic.name);
    logger.info({ topic: topic.name, clientId }, 'topic deleted');
    return { name: topic.name, topicId: topic.id, errorCode: ErrorCode.NONE, errorMessage: null };
  } catch (error) {
    const errorCode = codeOf(error);
    if (errorCode === ErrorCode.UNKNOWN_SERVER_ERROR)
      logger.error({ err: error, topic: name }, 'topic deletion failed');
    return { name, topicId, errorCode, errorMessage: (error as Error).message };
  }
}
