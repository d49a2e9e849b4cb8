import { ErrorCode, ProtocolError } from '../../../protocol/error-codes.js';

/** The internal, compacted topic with groups and committed offsets. */
export const OFFSETS_TOPIC = '__consumer_offsets';
/** The internal, compacted topic with the states of transactions. */
export const TRANSACTIONS_TOPIC = '__transaction_state';

/** Whether a topic is internal: clients may read it, but not create, write, alter or delete it. */
export function isInternal(topic: string): boolean {
  return topic === OFFSETS_TOPIC || topic === TRANSACTIONS_TOPIC;
}

/** @throws ProtocolError `INVALID_TOPIC_EXCEPTION` if the topic is internal */
export function checkNotInternal(topic: string): void {
  if (!isInternal(topic)) return;
  throw new ProtocolError(ErrorCode.INVALID_TOPIC_EXCEPTION, `${topic} is an internal topic`);
}
