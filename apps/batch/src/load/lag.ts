import type { Admin } from '@hailstream/log';
import { tablesByTopic } from '../rows/tables.js';
import { partitionKey } from './log-partition.js';
import type { LogPositions } from './positions.postgres.js';

/** Records that the log holds now and no process has loaded yet (or offsets, where the log has gaps). */
export async function lagRecords(admin: Admin, positions: LogPositions): Promise<number> {
  const topics = [...tablesByTopic.keys()];
  const known = await positions.read(topics);
  let lag = 0n;
  for (const topic of topics) {
    for (const [partition, { earliest, latest }] of await admin.offsets(topic, {
      isolation: 'read_committed',
    })) {
      const position = known.get(partitionKey({ topic, partition })) ?? earliest;
      // What the log deleted before it was loaded does not wait any more.
      const next = position < earliest ? earliest : position;
      if (latest > next) lag += latest - next;
    }
  }
  return Number(lag);
}
