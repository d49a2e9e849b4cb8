import { FileError } from '../files/gunzip.js';
import { readText, type FileWarning } from '../files/read-text.js';

/** A trace cannot be read. The message names the file and the line, in one line. */
export class TraceError extends Error {
  override readonly name = 'TraceError';
  readonly code = 'TRACE_UNREADABLE';
  readonly retryable = false;
}

/** Maximum length of a line. Longer lines are truncated, so that a file without line ends does not exhaust memory. */
export const MAX_LINE_CHARS = 65_536;

/** A line without its end; `number` counts from 1. */
export interface Line {
  readonly number: number;
  readonly text: string;
  /** Whether the line was longer than {@link MAX_LINE_CHARS} and was truncated. */
  readonly cut: boolean;
}

/**
 * Reads a text file, plain or gzip, in groups of lines.
 *
 * @throws TraceError if the file cannot be read to the end
 */
export async function* readLines(path: string, warn: FileWarning): AsyncGenerator<Line[]> {
  const splitter = new LineSplitter();
  try {
    for await (const text of readText(path, warn)) yield splitter.push(text);
    yield splitter.end();
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    const place = splitter.count > 0 ? `, after line ${splitter.count}` : '';
    throw new TraceError(`${path}${place}: ${error.message}`, { cause: error });
  }
}

/** Splits text in pieces into lines that end with LF, CRLF or CR. */
export class LineSplitter {
  private rest = '';
  private cut = false;
  private lineCount = 0;
  /** Whether the last piece ended with CR: an LF at the start of the next one belongs to it. */
  private endedWithCr = false;

  /** Number of lines returned so far. */
  get count(): number {
    return this.lineCount;
  }

  push(text: string): Line[] {
    const lines: Line[] = [];
    const start = this.endedWithCr && text.startsWith('\n') ? 1 : 0;
    if (text !== '') this.endedWithCr = text.endsWith('\r');
    const parts = text.slice(start).split(/\r\n|\n|\r/);
    for (let index = 0; index < parts.length; index += 1) {
      this.append(parts[index]!);
      if (index < parts.length - 1) lines.push(this.take());
    }
    return lines;
  }

  /** Returns the last line, if it has no line end. */
  end(): Line[] {
    return this.rest === '' ? [] : [this.take()];
  }

  private append(part: string): void {
    this.rest += part;
    if (this.rest.length <= MAX_LINE_CHARS) return;
    this.rest = this.rest.slice(0, MAX_LINE_CHARS);
    this.cut = true;
  }

  private take(): Line {
    const line = { number: this.lineCount + 1, text: this.rest, cut: this.cut };
    this.rest = '';
    this.cut = false;
    this.lineCount += 1;
    return line;
  }
}
