import type { Page } from 'playwright-core';

/** Events of a trace that are scripts, garbage collection, style and layout. They may be nested. */
const WORK = new Set([
  'EvaluateScript',
  'EventDispatch',
  'FireAnimationFrame',
  'FunctionCall',
  'HandlePostMessage',
  'Layout',
  'MajorGC',
  'MinorGC',
  'PrePaint',
  'RunMicrotasks',
  'TimerFire',
  'UpdateLayoutTree',
  'V8.GC_MC_BACKGROUND_MARKING',
  'WebSocketReceive',
]);

const CATEGORIES = [
  'devtools.timeline',
  'disabled-by-default-devtools.timeline',
  'disabled-by-default-devtools.timeline.frame',
  'v8',
];

/** Times are in microseconds; `tdur` is the processor time of the thread. */
interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  readonly tdur?: number;
}

/**
 * Runs `during` and returns, for each frame of the page meanwhile, how many milliseconds of processor time its main thread used
 * for scripts, garbage collection, style and layout since the frame before. Painting and the graphics card are not included.
 */
export async function recordMainThread(page: Page, during: () => Promise<void>): Promise<number[]> {
  const browser = page.context().browser();
  if (browser === null) throw new Error('the page has no browser to trace');
  await browser.startTracing(page, { categories: CATEGORIES });
  let trace: Buffer;
  try {
    await during();
  } finally {
    trace = await browser.stopTracing();
  }
  const { traceEvents } = JSON.parse(trace.toString()) as { readonly traceEvents: readonly TraceEvent[] };
  return workPerFrame(mainThreadOf(traceEvents));
}

/** Bytes of the page's JavaScript heap after a garbage collection. */
export async function heapBytes(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  try {
    await session.send('HeapProfiler.collectGarbage');
    const { usedSize } = await session.send('Runtime.getHeapUsage');
    return usedSize;
  } finally {
    await session.detach();
  }
}

/** The events of the thread that runs animation frames. */
function mainThreadOf(events: readonly TraceEvent[]): TraceEvent[] {
  const frames = new Map<string, number>();
  const threadOf = ({ pid, tid }: TraceEvent): string => `${pid} ${tid}`;
  for (const event of events) {
    if (event.name !== 'FireAnimationFrame') continue;
    frames.set(threadOf(event), (frames.get(threadOf(event)) ?? 0) + 1);
  }
  const [main] = [...frames].toSorted(([, one], [, other]) => other - one)[0] ?? [];
  return events.filter((event) => threadOf(event) === main).toSorted((one, other) => one.ts - other.ts);
}

function workPerFrame(events: readonly TraceEvent[]): number[] {
  const frames: number[] = [];
  let busyUs = 0;
  let countedUntil = 0;
  for (const { name, ph, ts, dur = 0, tdur = dur } of events) {
    if (name === 'BeginMainThreadFrame') {
      frames.push(busyUs / 1_000);
      busyUs = 0;
    }
    // What is nested is part of the event around it.
    if (ph !== 'X' || !WORK.has(name) || ts < countedUntil) continue;
    busyUs += tdur;
    countedUntil = ts + dur;
  }
  return frames.slice(1);
}
