import type { Histogram } from 'hdr-histogram-js';
import { newLatencies, recordSince } from './latencies.js';

/** Requests that an open loop lets run at once; beyond it the system under test is not keeping up at all. */
const MAX_OPEN_LOOP_IN_FLIGHT = 20_000;

/** As many operations as go: `concurrency` callers, each asking again as soon as it is answered. */
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
 * Operations at a fixed rate, whether or not earlier ones were answered. Latency runs from the time an operation was
 * planned for, so that a stall is felt by all that it delays. The histogram is in microseconds.
 */
export async function openLoop(options: {
  durationMs: number;
  ratePerSecond: number;
  /** Is told for when it was planned, by `performance.now()`. */
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
    if (running.size >= MAX_OPEN_LOOP_IN_FLIGHT) throw new Error('the rate is more than can be answered');
    const operation = options.operation(plannedAt).then(() => {
      running.delete(operation);
      recordSince(latencies, plannedAt);
    });
    running.add(operation);
  }
  await Promise.all(running);
  return latencies;
}

/** Timers are a millisecond coarse: the last of the wait is spent turning the event loop, which lets answers in. */
function nextTurn(untilMs: number): Promise<void> {
  return new Promise((resolve) => {
    if (untilMs - performance.now() > 2) setTimeout(resolve, 1);
    else setImmediate(resolve);
  });
}
