import type { ServiceStatus } from '@hailstream/events/live';
import { partitionName } from '@hailstream/log';
import type { Stall } from '../log/stalls.js';

/** The facts that {@link logStatus} summarizes. */
export interface LogFacts {
  /** Whether the city is complete. */
  readonly isRebuilt: boolean;
  readonly progress: { readonly folded: bigint; readonly of: bigint };
  /** Whether the ranges to read are known, which progress is measured by. */
  readonly hasRanges: boolean;
  /** Why the last request to the log failed; `null` if it succeeded. */
  readonly failure: string | null;
  /** Whether the consumer is assigned its partitions; `null` if it is not started. */
  readonly isReading: boolean | null;
  readonly stalls: readonly Stall[];
  /** When there was no problem last, in milliseconds. */
  readonly healthyAt: number;
}

/** Whether the city is complete and up to date, and if not, the first reason. */
export function logStatus(facts: LogFacts): ServiceStatus {
  const reason = reasonOf(facts);
  if (!facts.hasRanges) return { kind: 'waiting', reason: reason ?? 'waiting for the log' };
  const since = facts.stalls[0]?.since ?? facts.healthyAt;
  if (!facts.isRebuilt) {
    const percent = percentOf(facts.progress);
    return { kind: 'rebuilding', percent, reason, since: reason === null ? null : since };
  }
  return reason === null ? { kind: 'following' } : { kind: 'stalled', reason, since };
}

/** A status as one line for an operator; `null` if there is nothing to report. */
export function describeStatus(status: ServiceStatus, { folded, of }: LogFacts['progress']): string | null {
  switch (status.kind) {
    case 'following':
      return null;
    case 'waiting':
    case 'stalled':
      return status.reason;
    case 'rebuilding': {
      const records = `rebuilding: read ${folded} of ${of} records`;
      return status.reason === null ? records : `${records}; ${status.reason}`;
    }
  }
}

/** Whole percent, at most 99: a rebuild that is complete is not reported. */
function percentOf({ folded, of }: LogFacts['progress']): number {
  return of === 0n ? 0 : Math.min(99, Number((folded * 100n) / of));
}

function reasonOf({ failure, isReading, stalls }: LogFacts): string | null {
  const [stall] = stalls;
  if (stall !== undefined) {
    const { topic, partition, position, records } = stall;
    const others = stalls.length > 1 ? `, and ${stalls.length - 1} more partitions` : '';
    return `no progress: ${partitionName(topic, partition)} is at offset ${position} with a lag of ${records} records${others}`;
  }
  if (failure !== null) return `log unreachable: ${failure}`;
  if (isReading === false) return 'the consumer cannot read the log';
  return null;
}
