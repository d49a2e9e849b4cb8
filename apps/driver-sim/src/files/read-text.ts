import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';

/** A file can't be read: the message says why, in one line, without its name. */
export class FileError extends Error {
  override readonly name = 'FileError';
  readonly code = 'FILE_UNREADABLE';
  readonly retryable = false;
}

/**
 * Reads a text file piece by piece, gzip or not, by its first bytes.
 *
 * @throws {FileError} when it can't be opened or unpacked; what came before is right
 */
export async function* readText(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  try {
    for await (const chunk of await openBytes(path)) {
      yield decoder.decode(chunk as Uint8Array, { stream: true });
    }
    yield decoder.decode();
  } catch (error) {
    throw new FileError(reasonOf(error as NodeJS.ErrnoException), { cause: error });
  }
}

async function openBytes(path: string): Promise<NodeJS.ReadableStream> {
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

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
      return 'reading it is not permitted';
    case 'EISDIR':
      return 'it is a folder, not a file';
    case 'Z_BUF_ERROR':
      return 'the gzip data ends too early';
    case 'Z_DATA_ERROR':
      return `the gzip data is damaged (${message})`;
    default:
      return message;
  }
}
