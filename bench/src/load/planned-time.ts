/** Milliseconds of a clock that is common to all processes of this machine. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** What to add to `performance.now()`, which counts from the start of its process. */
export const MONOTONIC_MINUS_PERFORMANCE_MS = monotonicMs() - performance.now();

/** Writes the planned time of a record to its first bytes. */
export function writePlannedAt(value: Buffer, plannedAtMs: number): void {
  value.writeDoubleBE(plannedAtMs, 0);
}

export function readPlannedAt(value: Buffer): number {
  return value.readDoubleBE(0);
}
