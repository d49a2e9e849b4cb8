/** Milliseconds of a clock that all processes of this machine share. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** What to add to `performance.now()`, which counts from the start of its process. */
export const MONOTONIC_MINUS_PERFORMANCE_MS = monotonicMs() - performance.now();

/** Puts the time that a record is planned for at its start. */
export function writePlannedAt(value: Buffer, plannedAtMs: number): void {
  value.writeDoubleBE(plannedAtMs, 0);
}

export function readPlannedAt(value: Buffer): number {
  return value.readDoubleBE(0);
}
