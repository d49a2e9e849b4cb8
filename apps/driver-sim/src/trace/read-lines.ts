import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
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
 * Reads a text file line by line, gzip or not, by its first bytes. Lines come in groups, as they are read.
 *
 * @throws {TraceError} when the file can't be opened or unpacked
 */
export async function* readLines(path: string): AsyncGenerator<Line[]> {
  const splitter = new LineSplitter();
  const decoder = new TextDecoder();
  try {
    for await (const chunk of await openText(path)) {
      yield splitter.push(decoder.decode(chunk as Uint8Array, { stream: true }));
    }
    yield splitter.push(decoder.decode());
    yield splitter.end();
  } catch (error) {
    throw new TraceError(`${path}: ${reasonOf(error, splitter.count)}`, { cause: error });
  }
}

async function openText(path: string): Promise<NodeJS.ReadableStream> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    const bytes = file.createReadStream({ start: 0 });
    const isGzip = bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
    // Errors of the file end the unpacking, and the loop over it throws them.
    return isGzip ? pipeline(bytes, createGunzip(), () => {}) : bytes;
  } catch (error) {
    await file.close();
    throw error;
  }
}

function reasonOf(error: unknown, linesRead: number): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
      return 'reading it is not permitted';
    case 'EISDIR':
      return 'it is a folder, not a file';
    case 'Z_BUF_ERROR':
      return `the gzip data ends too early, after line ${linesRead}`;
    case 'Z_DATA_ERROR':
      return `the gzip data is damaged after line ${linesRead} (${message})`;
    default:
      return `can't be read after line ${linesRead}: ${message}`;
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
