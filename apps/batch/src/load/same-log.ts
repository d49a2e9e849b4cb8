import type { Admin } from '@hailstream/log';
import { presentIdentities } from '../positions/inspect.js';
import { isSameLog } from '../positions/position.js';
import { describeIdentity } from '../positions/refusal.js';
import { LoadError } from './load.errors.js';
import type { LogPartition } from '../positions/log-partition.js';

/**
 * Requires that the log is still the one that a load began with: a topic can be deleted and created again at any time.
 *
 * @throws LoadError `LOG_CHANGED` if it is not, LogError if no broker answers
 */
export async function requireSameLog(admin: Admin, partitions: readonly LogPartition[]): Promise<void> {
  const began = new Map(partitions.map(({ topic, identity }) => [topic, identity]));
  const now = await presentIdentities(admin, [...began.keys()]);
  for (const [topic, identity] of began) {
    const present = now.get(topic);
    if (present !== undefined && isSameLog(present, identity)) continue;
    const found = present === undefined ? 'no such topic' : describeIdentity(present);
    throw new LoadError(
      'LOG_CHANGED',
      `topic "${topic}" was deleted or replaced during the load: it began with ${describeIdentity(identity)}, and ` +
        `the log now has ${found}`,
    );
  }
}
