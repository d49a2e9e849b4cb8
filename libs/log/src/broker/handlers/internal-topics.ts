import { OFFSETS_TOPIC } from '../groups/offsets/offsets-log.js';
import { TRANSACTIONS_TOPIC } from '../transactions/state-log.js';

/** Whether a topic is internal: clients may read it, but not write or delete it. */
export function isInternal(topic: string): boolean {
  return topic === OFFSETS_TOPIC || topic === TRANSACTIONS_TOPIC;
}
