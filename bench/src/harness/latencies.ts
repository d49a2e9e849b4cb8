import { build, type Histogram } from 'hdr-histogram-js';

/** Highest recorded latency in microseconds: ten minutes. Higher values count as this. */
const HIGHEST_TRACKABLE_US = 600_000_000;

/** A histogram of microseconds. */
export function newLatencies(): Histogram {
  return build({ highestTrackableValue: HIGHEST_TRACKABLE_US, numberOfSignificantValueDigits: 3 });
}

export function recordMs(latencies: Histogram, milliseconds: number): void {
  const micros = Math.max(1, Math.round(milliseconds * 1_000));
  latencies.recordValue(Math.min(micros, HIGHEST_TRACKABLE_US));
}

/** Records the time since `then`, by `performance.now()`. */
export function recordSince(latencies: Histogram, sinceMs: number): void {
  recordMs(latencies, performance.now() - sinceMs);
}
