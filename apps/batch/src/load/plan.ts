import type { Admin } from '@hailstream/log';
import type { Logger } from 'pino';
import { partitionKey, type LogPartition } from './log-partition.js';
import type { LogPositions, Position } from './positions.postgres.js';

export interface PlanOptions {
  readonly admin: Admin;
  readonly positions: LogPositions;
  readonly topics: readonly string[];
  readonly logger: Logger;
}

/** Records of an open transaction are not loaded, nor what follows them: a load must not wait for its end. */
const COMMITTED = { isolation: 'read_committed' } as const;

/** What there is to load: for each partition, from where, and up to what the log holds now. */
export async function plan({ admin, positions, topics, logger }: PlanOptions): Promise<LogPartition[]> {
  // Positions first: no other process can have moved one beyond an end that is read after it.
  const known = await positions.read(topics);
  const partitions: LogPartition[] = [];
  const begun: Position[] = [];
  for (const topic of topics) {
    for (const [partition, { earliest, latest }] of await admin.offsets(topic, COMMITTED)) {
      const position = known.get(partitionKey({ topic, partition }));
      let from = position ?? earliest;
      if (position === undefined) {
        begun.push({ topic, partition, nextOffset: earliest });
      } else if (position < earliest || position > latest) {
        logger.error({ topic, partition, position, earliest, latest }, displaced(position < earliest));
        await positions.move({ topic, partition, nextOffset: earliest }, position);
        from = earliest;
      }
      partitions.push({ topic, partition, from, target: latest });
    }
  }
  await positions.begin(begun);
  return partitions;
}

/** An id is loaded once whatever it is read from, so that reading again from the start is safe. */
function displaced(isBehind: boolean): string {
  return isBehind
    ? 'the log deleted records before they were loaded; loading goes on with the first that is there'
    : 'the log ends before what was loaded: it lost its end, or it is another one; it is read from its start';
}
