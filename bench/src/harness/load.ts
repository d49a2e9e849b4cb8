import type { Histogram } from 'hdr-histogram-js';
import { newLatencies, recordSince } from './latencies.js';

/** Maximum in-flight requests of an open loop; with more, the system under test cannot keep up. */
const MAX_OPEN_LOOP_IN_FLIGHT = 20_000;

/** Maximum throughput: `concurrency` callers, each with one operation at a time. */
export async function saturate(options: {
  durationMs: number;
  concurrency: number;
  operation: () => Promise<void>;
}): Promise<{ perSecond: number }> {
  const startedAt = performance.now();
  const endAt = startedAt + options.durationMs;
  let done = 0;
  const caller = async (): Promise<void> => {
    while (performance.now() < endAt) {
      await options.operation();
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: options.concurrency }, caller));
  return { perSecond: (done * 1_000) / (performance.now() - startedAt) };
}

/**
 * Operations at a fixed rate, whether or not earlier ones have finished. Latency is measured from the planned time of an
 * operation, so a stall counts for every operation that it delays. The histogram is in microseconds.
 */
export async function openLoop(options: {
  durationMs: number;
  ratePerSecond: number;
  /** Receives its planned time, by `performance.now()`. */
  operation: (plannedAtMs: number) => Promise<void>;
}): Promise<Histogram> {
  const latencies = newLatencies();
  const planned = Math.floor((options.durationMs * options.ratePerSecond) / 1_000);
  const intervalMs = 1_000 / options.ratePerSecond;
  const startedAt = performance.now();
  const running = new Set<Promise<void>>();
  for (let index = 0; index < planned; index += 1) {
    const plannedAt = startedAt + index * intervalMs;
    while (performance.now() < plannedAt) await nextTurn(plannedAt);
    if (running.size >= MAX_OPEN_LOOP_IN_FLIGHT)
      throw new Error('the system under test cannot keep up with the rate');
    const operation = options.operation(plannedAt).then(() => {
      running.delete(operation);
      recordSince(latencies, plannedAt);
    });
    running.add(operation);
  }
  await Promise.all(running);
  return latencies;
}

/** Timers have a resolution of one millisecond: the rest of the wait spins the event loop, which processes responses. */
function nextTurn(untilMs: number): Promise<void> {
  return new Promise((resolve) => {
    if (untilMs - performance.now() > 2) setTimeout(resolve, 1);
    else setImmediate(resolve);
  });
}
