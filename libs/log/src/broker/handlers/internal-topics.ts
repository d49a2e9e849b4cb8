import { OFFSETS_TOPIC } from '../groups/offsets/offsets-log.js';
import { TRANSACTIONS_TOPIC } from '../transactions/state-log.js';

/** Whether a topic is the broker's own: clients may read it, and neither write nor delete it. */
export function isInternal(topic: string): boolean {
  return topic === OFFSETS_TOPIC || topic === TRANSACTIONS_TOPIC;
}
