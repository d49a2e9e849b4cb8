import { readLines } from './read-lines.js';
import { BrokenLine, readFix, readHeader, type Fix, type TraceColumns } from './trace-format.js';
import { TraceError } from './trace.error.js';

/** One line of a trace that is not blank. */
export interface TraceEntry {
  readonly lineNumber: number;
  readonly fix: Fix | BrokenLine;
}

/** What a trace holds, told by a first reading of it. */
export interface TraceSurvey {
  readonly fixCount: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

/**
 * Reads a recorded trace (CSV with the columns `cab`, `ts`, `lat`, `lon`, and `occ` where it is known; gzip or not).
 * Entries come in groups, in the order of the file; the file is never in memory as a whole.
 *
 * @throws {TraceError} when it can't be read, or lacks a column
 */
export async function* readTrace(path: string, nowMs: number): AsyncGenerator<TraceEntry[]> {
  let columns: TraceColumns | undefined;
  for await (const lines of readLines(path)) {
    const entries: TraceEntry[] = [];
    for (const line of lines) {
      if (columns === undefined) columns = headerOf(readHeader(line), path);
      else if (line.text !== '')
        entries.push({ lineNumber: line.number, fix: readFix(line, columns, nowMs) });
    }
    if (entries.length > 0) yield entries;
  }
  if (columns === undefined) throw new TraceError(`${path}: it is empty`);
}

function headerOf(header: TraceColumns | BrokenLine, path: string): TraceColumns {
  if (header instanceof BrokenLine) throw new TraceError(`${path}, line 1: ${header.reason}`);
  return header;
}

/** Reads a whole trace for its extent in time; that it can be read to its end is known after that, too. */
export async function surveyTrace(path: string, nowMs: number): Promise<TraceSurvey> {
  let fixCount = 0;
  let firstMs = Infinity;
  let lastMs = -Infinity;
  for await (const entries of readTrace(path, nowMs)) {
    for (const { fix } of entries) {
      if (fix instanceof BrokenLine) continue;
      fixCount += 1;
      firstMs = Math.min(firstMs, fix.timestampMs);
      lastMs = Math.max(lastMs, fix.timestampMs);
    }
  }
  return { fixCount, firstMs, lastMs };
}
