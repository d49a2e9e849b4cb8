import type { Row } from '../harness/report.js';

/** How long and how often to measure: `quick` shows that a suite works, its figures mean little. */
export interface Effort {
  readonly rounds: number;
  readonly roundMs: number;
  readonly rows: number;
}

export const efforts = {
  quick: { rounds: 1, roundMs: 1_000, rows: 20_000 },
  full: { rounds: 3, roundMs: 5_000, rows: 200_000 },
} as const satisfies Record<string, Effort>;

/** One subject: starts what it needs, measures, stops it. `say` tells what it is doing. */
export interface Suite {
  readonly name: string;
  /** Gets, or asks for, what is needed beyond Node; before any suite runs. @throws MissingNeedsError */
  prepare?(): Promise<void>;
  run(effort: Effort, say: (what: string) => void): Promise<Row[]>;
}
