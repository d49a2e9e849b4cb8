import type { Row } from './report.js';

/** How long and how often to measure. `quick` only checks that a suite works; its figures are not meaningful. */
export interface Effort {
  readonly rounds: number;
  readonly roundMs: number;
  readonly rows: number;
  /**
   * Measures only the jobs of the suites `broker`, `router`, `live`, `history`, `warehouse` and `hostile` whose names contain this,
   * or the job `distances` of the suite `truth`. @default all, without `distances`
   */
  readonly job?: string;
  /** The city of the suite history. @default 1,000 vehicles, 24 hours */
  readonly vehicles?: number;
  readonly hours?: number;
  /** Interval of the telemetry of a vehicle of this city. @default 10 */
  readonly telemetrySeconds?: number;
  /** Simulated time of the suite truth, whose size `vehicles` is too. @default 60, with 2,000 vehicles */
  readonly minutes?: number;
  /** Events per second of the provider in the jobs soak (1,000) and steady (5,000) of the suite hostile, of `minutes` (60 and 10). */
  readonly rate?: number;
  /** Folder in which the suite warehouse keeps its log and databases. @default a temporary one */
  readonly folder?: string;
  /** City file of the suites matching and truth. @default Monaco */
  readonly city?: string;
}

export const efforts = {
  quick: { rounds: 1, roundMs: 1_000, rows: 20_000 },
  full: { rounds: 3, roundMs: 5_000, rows: 200_000 },
} as const satisfies Record<string, Effort>;

/** A benchmark suite: starts what it needs, measures, and stops it. `say` reports its progress. */
export interface Suite {
  readonly name: string;
  /** Checks or installs requirements other than Node before any suite runs. @throws MissingNeedsError */
  prepare?(): Promise<void>;
  run(effort: Effort, say: (what: string) => void): Promise<Row[]>;
}
