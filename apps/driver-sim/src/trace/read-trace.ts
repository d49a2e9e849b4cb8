import type { FileWarning } from '../files/read-text.js';
import { FixSorter, type PlacedFix } from './fix-sorter.js';
import { readLines, TraceError } from './read-lines.js';
import { PeriodFinder } from './trace-period.js';
import {
  BrokenLine,
  readFix,
  readHeader,
  readRepeatedHeader,
  type TimeUnit,
  type TraceColumns,
  type WrittenFix,
} from './trace-format.js';

/** Receives the progress of reading a trace. */
export interface TraceReadObserver {
  readonly warning: FileWarning;
  /** Called with the number of lines read. */
  read(lineCount: number): void;
  /** A line is not a fix. */
  broken(lineNumber: number, reason: string): void;
}

/** Period and size of a trace. */
export interface TraceSurvey {
  /** Fixes within the period; see {@link PeriodFinder}. */
  readonly fixCount: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

/** A trace that was read to the end. */
export interface Trace extends AsyncDisposable {
  readonly survey: TraceSurvey;
  /** Fixes that are earlier than one of the same cab on a previous line. */
  readonly outOfOrder: number;
  /** Number of fixes by the unit of their time. */
  readonly timeUnits: ReadonlyMap<TimeUnit, number>;
  /** All fixes in order of time. Can be called once. */
  sorted(): AsyncGenerator<PlacedFix[]>;
}

/**
 * Reads a recorded trace (CSV with the columns `cab`, `ts`, `lat`, `lon` and optionally `occ`, plain or gzip) to the end
 * and sorts it, in bounded memory: see {@link FixSorter}. Stops early if `signal` is aborted.
 *
 * @throws TraceError if the trace cannot be read or sorted, or lacks a column
 */
export async function readTrace(options: {
  path: string;
  nowMs: number;
  observer: TraceReadObserver;
  signal: AbortSignal;
  maxFixesInMemory?: number;
}): Promise<Trace> {
  const { path, nowMs, observer, signal } = options;
  const sorter = new FixSorter(options);
  const tally = new TraceTally();
  try {
    let columns: TraceColumns | undefined;
    let lineCount = 0;
    for await (const lines of readLines(path, observer.warning)) {
      for (const line of lines) {
        if (columns === undefined) {
          columns = headerOf(readHeader(line), path);
          continue;
        }
        if (line.text === '') continue;
        const fix = readFix(line, columns, nowMs);
        if (!(fix instanceof BrokenLine)) {
          if (sorter.isFull) await sorter.spill();
          sorter.add({ fix, lineNumber: line.number });
          tally.add(fix);
          continue;
        }
        const header = readRepeatedHeader(line);
        if (header === undefined) observer.broken(line.number, fix.reason);
        else columns = header;
      }
      lineCount += lines.length;
      observer.read(lineCount);
      if (signal.aborted) break;
    }
    if (columns === undefined && !signal.aborted) throw new TraceError(`${path}: the file is empty`);
  } catch (error) {
    await sorter[Symbol.asyncDispose]();
    throw error;
  }
  return {
    ...tally.result(nowMs),
    sorted: () => sorter.sorted(),
    [Symbol.asyncDispose]: () => sorter[Symbol.asyncDispose](),
  };
}

/** Counts fixes in the order of the file. */
class TraceTally {
  private readonly period = new PeriodFinder();
  private readonly latestMs = new Map<string, number>();
  private readonly timeUnits = new Map<TimeUnit, number>();
  private outOfOrder = 0;

  add({ cab, timestampMs, timeUnit }: WrittenFix): void {
    this.period.add(timestampMs);
    this.timeUnits.set(timeUnit, (this.timeUnits.get(timeUnit) ?? 0) + 1);
    const latestMs = this.latestMs.get(cab) ?? -Infinity;
    if (timestampMs < latestMs) this.outOfOrder += 1;
    else this.latestMs.set(cab, timestampMs);
  }

  result(nowMs: number): Pick<Trace, 'survey' | 'outOfOrder' | 'timeUnits'> {
    const { firstMs, lastMs, count } = this.period.find() ?? { firstMs: nowMs, lastMs: nowMs, count: 0 };
    return {
      survey: { firstMs, lastMs, fixCount: count },
      outOfOrder: this.outOfOrder,
      timeUnits: this.timeUnits,
    };
  }
}

function headerOf(header: TraceColumns | BrokenLine, path: string): TraceColumns {
  if (header instanceof BrokenLine) throw new TraceError(`${path}, line 1: ${header.reason}`);
  return header;
}
