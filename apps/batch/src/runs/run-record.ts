import type { LoadResult } from '../load/load-result.js';

/** Number of runs that are kept. */
export const MAX_RUNS_KEPT = 50;

/** One load of the service, as returned by `GET /runs`. Times are ISO 8601. */
export type RunRecord =
  | { readonly status: 'running'; readonly startedAt: string }
  | ({
      /** `incomplete`: loaded, but the log had deleted records before they were loaded. */
      readonly status: 'succeeded' | 'incomplete';
      readonly startedAt: string;
      readonly endedAt: string;
    } & LoadResult)
  | {
      readonly status: 'failed';
      readonly startedAt: string;
      readonly endedAt: string;
      readonly reason: string;
    };

/** The latest runs, newest first. */
export class RunHistory {
  private readonly runs: RunRecord[] = [];

  get latest(): readonly RunRecord[] {
    return this.runs;
  }

  begin(nowMs: number): void {
    this.runs.unshift({ status: 'running', startedAt: new Date(nowMs).toISOString() });
    this.runs.splice(MAX_RUNS_KEPT);
  }

  succeed(result: LoadResult, nowMs: number): void {
    this.end((startedAt, endedAt) => ({ status: statusOf(result), startedAt, endedAt, ...result }), nowMs);
  }

  fail(reason: string, nowMs: number): void {
    this.end((startedAt, endedAt) => ({ status: 'failed', startedAt, endedAt, reason }), nowMs);
  }

  private end(toRecord: (startedAt: string, endedAt: string) => RunRecord, nowMs: number): void {
    const [running] = this.runs;
    if (running) this.runs[0] = toRecord(running.startedAt, new Date(nowMs).toISOString());
  }
}

export function statusOf({ outcome }: LoadResult): 'succeeded' | 'incomplete' {
  return outcome === 'complete' ? 'succeeded' : 'incomplete';
}
