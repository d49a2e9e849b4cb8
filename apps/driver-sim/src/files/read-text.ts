import { open } from 'node:fs/promises';
import { FileError, gunzip, isGzip } from './gunzip.js';

/** Receives a warning about a file that could be read: one line, without the file's name. */
export type FileWarning = (warning: string) => void;

/**
 * Reads a text file in pieces. Whether it is gzip is recognized by its first bytes.
 *
 * @throws FileError if the file cannot be opened or decompressed, or is UTF-16; the pieces before the error are correct
 */
export async function* readText(path: string, warn: FileWarning): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let isStart = true;
  try {
    for await (const chunk of readBytes(path, warn)) {
      if (isStart) rejectUtf16(chunk);
      isStart = false;
      yield decoder.decode(chunk, { stream: true });
    }
    yield decoder.decode();
  } catch (error) {
    if (error instanceof FileError) throw error;
    throw new FileError(reasonOf(error as NodeJS.ErrnoException), { cause: error });
  }
}

/** Returns the first bytes of a file, by which its format is recognized. @throws FileError if it cannot be read */
export async function firstBytes(path: string): Promise<Uint8Array> {
  try {
    await using file = await open(path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64, 0);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    throw new FileError(reasonOf(error as NodeJS.ErrnoException), { cause: error });
  }
}

async function* readBytes(path: string, warn: FileWarning): AsyncGenerator<Uint8Array> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
  const bytes = file.createReadStream({ start: 0, autoClose: false }) as AsyncIterable<Uint8Array>;
  if (isGzip(buffer.subarray(0, bytesRead))) {
    yield* gunzip(bytes, () => warn('trailing garbage after the gzip data was ignored'));
  } else {
    yield* bytes;
  }
}

function rejectUtf16(start: Uint8Array): void {
  const [first, second] = start;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    throw new FileError('the file is UTF-16; save it as UTF-8');
  }
}

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'ENOENT':
      return 'file not found';
    case 'EACCES':
      return 'permission denied';
    case 'EISDIR':
      return 'is a directory';
    case 'Z_BUF_ERROR':
      return 'the gzip data is truncated';
    case 'Z_DATA_ERROR':
      return `the gzip data is damaged (${message})`;
    default:
      return message;
  }
}
