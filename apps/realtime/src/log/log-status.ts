import type { ServiceStatus } from '@hailstream/events/live';
import type { Stall } from './positions.js';

/** What is known of reading the log, for {@link logStatus} to sum up. */
export interface LogFacts {
  readonly isCaughtUp: boolean;
  readonly progress: { readonly folded: bigint; readonly of: bigint };
  /** Whether it is known where the partitions end: before, there is nothing to measure progress by. */
  readonly hasGoals: boolean;
  /** Why the log did not answer when it was last asked; `null` if it did. */
  readonly failure: string | null;
  /** Whether a consumer reads; `null` if none was started yet. */
  readonly isReading: boolean | null;
  readonly stalls: readonly Stall[];
}

/** Whether the city is what the log says, and if not, why. The first of several reasons is told. */
export function logStatus(facts: LogFacts): ServiceStatus {
  const reason = reasonOf(facts);
  if (!facts.hasGoals) return { kind: 'waiting', reason: reason ?? 'the log does not answer yet' };
  if (!facts.isCaughtUp) return { kind: 'rebuilding', percent: percentOf(facts.progress), reason };
  if (reason !== null) return { kind: 'stalled', reason };
  return { kind: 'following' };
}

/** A status in one line, for an operator. */
export function describeStatus(status: ServiceStatus, { folded, of }: LogFacts['progress']): string | null {
  switch (status.kind) {
    case 'following':
      return null;
    case 'waiting':
    case 'stalled':
      return status.reason;
    case 'rebuilding': {
      const records = `rebuilding: ${folded} of the ${of} records that were in the log at start are read`;
      return status.reason === null ? records : `${records}; ${status.reason}`;
    }
  }
}

/** Whole percent, and 100 only when there is nothing left. */
function percentOf({ folded, of }: LogFacts['progress']): number {
  return of === 0n ? 0 : Math.min(99, Number((folded * 100n) / of));
}

function reasonOf({ failure, isReading, stalls, hasGoals }: LogFacts): string | null {
  const [stall] = stalls;
  if (stall !== undefined) {
    const { topic, partition, next, behind } = stall;
    const others = stalls.length > 1 ? `, and ${stalls.length - 1} more partitions` : '';
    return `no progress: partition ${partition} of ${topic} is at offset ${next}, ${behind} records behind${others}`;
  }
  if (failure !== null)
    return hasGoals ? `the log does not answer: ${failure}` : `the log does not answer yet: ${failure}`;
  if (isReading === false) return 'the consumer is not connected to the log, reconnecting';
  return null;
}
