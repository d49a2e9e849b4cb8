import type { Admin } from '@hailstream/log';
import { inspect } from '../positions/inspect.js';
import type { LogPositions } from '../positions/positions.postgres.js';
import { isRefusal } from '../positions/verdict.js';
import { tablesByTopic } from '../rows/tables.js';

/** Records that the log holds now and no process has loaded yet (or offsets, where the log has gaps). */
export async function lagRecords(admin: Admin, positions: LogPositions): Promise<number> {
  let lag = 0n;
  for (const each of await inspect({ admin, positions, topics: [...tablesByTopic.keys()] })) {
    const { stored, earliest, stable, verdict } = each;
    // Of a log that is not the one of the position, nothing was loaded.
    const position = stored === undefined || isRefusal(verdict) ? earliest : stored.nextOffset;
    // What the log deleted before it was loaded does not wait any more.
    const next = position < earliest ? earliest : position;
    if (stable > next) lag += stable - next;
  }
  return Number(lag);
}
