import type { Admin } from '@hailstream/log';
import { presentIdentities } from '../positions/inspect.js';
import { isSameLog } from '../positions/position.js';
import { describeIdentity } from '../positions/refusal.js';
import { LoadError } from './load.errors.js';
import type { LogPartition } from '../positions/log-partition.js';

/**
 * Checks that the log is still the one that a load began with. A topic can be deleted and created again at any time.
 *
 * @throws LoadError `LOG_CHANGED` if it is another one
 * @throws LogError if no broker responds
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
