import type { Admin } from '@hailstream/log';
import { inspect } from '../positions/inspect.js';
import type { LogPositions } from '../positions/positions.postgres.js';
import { isRefusal } from '../positions/verdict.js';

/** Number of offsets in topics that no process has loaded yet. */
export async function lagRecords(
  admin: Admin,
  positions: LogPositions,
  topics: readonly string[],
): Promise<number> {
  let lag = 0n;
  for (const each of await inspect({ admin, positions, topics })) {
    const { stored, earliest, stable, verdict } = each;
    // Nothing was loaded of a log that a position does not belong to.
    const position = stored === undefined || isRefusal(verdict) ? earliest : stored.nextOffset;
    // Records that the log has deleted do not count.
    const next = position < earliest ? earliest : position;
    if (stable > next) lag += stable - next;
  }
  return Number(lag);
}
