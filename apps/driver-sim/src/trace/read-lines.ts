import { FileError, readText, type FileWarning } from '../files/read-text.js';
import { TraceError } from './trace.error.js';

/** Longest line kept whole; what is longer is cut, so that a file without line ends does not fill the memory. */
export const MAX_LINE_CHARS = 65_536;

/** A line without its end; `number` counts from 1. */
export interface Line {
  readonly number: number;
  readonly text: string;
  /** Whether it was longer than {@link MAX_LINE_CHARS} and has lost its end. */
  readonly cut: boolean;
}

/**
 * Reads a text file line by line, gzip or not. Lines come in groups, as they are read.
 *
 * @throws {TraceError} when the file can't be read to its end
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

/** Cuts text that comes in pieces into lines that end with LF, CRLF or CR. */
export class LineSplitter {
  private rest = '';
  private cut = false;
  private lineCount = 0;
  /** Whether the last line ended with a CR at the end of a piece: an LF that follows is part of that end. */
  private endedWithCr = false;

  /** Lines given out so far. */
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

  /** The last line, if the text does not end with a line end. */
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
