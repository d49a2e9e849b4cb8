import { FileError, readText } from '../files/read-text.js';
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
export async function* readLines(path: string): AsyncGenerator<Line[]> {
  const splitter = new LineSplitter();
  try {
    for await (const text of readText(path)) yield splitter.push(text);
    yield splitter.end();
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    const place = splitter.count > 0 ? `, after line ${splitter.count}` : '';
    throw new TraceError(`${path}${place}: ${error.message}`, { cause: error });
  }
}

/** Cuts text that comes in pieces into lines that end with LF or CRLF. */
export class LineSplitter {
  #rest = '';
  #cut = false;
  #count = 0;

  /** Lines given out so far. */
  get count(): number {
    return this.#count;
  }

  push(text: string): Line[] {
    const lines: Line[] = [];
    const parts = text.split('\n');
    for (let index = 0; index < parts.length; index += 1) {
      this.#append(parts[index]!);
      if (index < parts.length - 1) lines.push(this.#take());
    }
    return lines;
  }

  /** The last line, where the text does not end with a line end. */
  end(): Line[] {
    return this.#rest === '' ? [] : [this.#take()];
  }

  #append(part: string): void {
    this.#rest += part;
    if (this.#rest.length <= MAX_LINE_CHARS) return;
    this.#rest = this.#rest.slice(0, MAX_LINE_CHARS);
    this.#cut = true;
  }

  #take(): Line {
    const text = this.#rest.endsWith('\r') ? this.#rest.slice(0, -1) : this.#rest;
    const cut = this.#cut;
    this.#rest = '';
    this.#cut = false;
    this.#count += 1;
    return { number: this.#count, text, cut };
  }
}
