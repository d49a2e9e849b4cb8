import * as fs from 'node:fs';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { InlineWrites } from './inline-writes.js';

/** A file that is read anywhere and written at positions its owner keeps. */
export interface LogFile {
  /** Writes all the buffers, one after another, from `position` on. */
  write(buffers: readonly Buffer[], position: number): Promise<void>;
  /**
   * Fills `buffer` from `position` on; `cached` says that the system is all but sure to have the bytes in memory.
   *
   * @returns bytes read: fewer than its length only at the end of the file
   */
  read(buffer: Buffer, position: number, cached?: boolean): Promise<number>;
  sizeBytes(): Promise<number>;
  truncate(sizeBytes: number): Promise<void>;
  /** Resolves once what was written survives a power cut. */
  sync(): Promise<void>;
  /** Closes once the reads under way have ended. */
  close(): Promise<void>;
}

/** All that storage asks of the operating system; tests give one that fails. */
export interface FileSystem {
  /** Opens for reading and writing. Creates the file if it is missing, unless it is to be `existing`. */
  open(file: string, how?: { existing: boolean }): Promise<LogFile>;
  /** @returns undefined where there is no such file */
  readFile(file: string): Promise<Buffer | undefined>;
  /** Writes a file so that a crash leaves the old or the new one, whole. */
  replaceFile(file: string, contents: Buffer | string): Promise<void>;
  /** Names in a folder; none where it is missing. */
  list(folder: string): Promise<string[]>;
  makeFolder(folder: string): Promise<void>;
  /** Removes a file, never a folder; nothing happens if it is missing. */
  remove(file: string): Promise<void>;
  /** Removes a folder that is empty. @returns false if it is not */
  removeFolder(folder: string): Promise<boolean>;
  rename(from: string, to: string): Promise<void>;
  /** Resolves once the names in a folder, what was made, renamed and removed there, survive a power cut. */
  syncFolder(folder: string): Promise<void>;
  /** Bytes of the volume that a folder is on. */
  volume(folder: string): Promise<{ totalBytes: bigint; usableBytes: bigint }>;
}

/** Files that are on the way to another's place; what a crash leaves of them is of no use. */
export const TEMPORARY_SUFFIX = '.tmp';
/** Most bytes that are read on this thread where the system has them in memory: handing them over takes longer. */
const MAX_INLINE_READ_BYTES = 64 << 10;
/** Most buffers that one `writev` takes (IOV_MAX on Linux and macOS). */
const MAX_GATHERED_BUFFERS = 1024;

const inlineWrites = new InlineWrites();

const writev = promisify(fs.writev);
const read = promisify(fs.read);
const ftruncate = promisify(fs.ftruncate);
const fdatasync = promisify(fs.fdatasync);
const close = promisify(fs.close);
const fstat = promisify(fs.fstat);

/** The file system of this machine. */
export const nodeFileSystem: FileSystem = {
  async open(file, { existing } = { existing: false }) {
    const flags = fs.constants.O_RDWR | (existing ? 0 : fs.constants.O_CREAT);
    const fd = await promisify(fs.open)(file, flags, 0o644);
    return new NodeLogFile(fd as number);
  },

  async readFile(file) {
    return fs.promises.readFile(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
  },

  replaceFile(file, contents) {
    return replaceFileOn(nodeFileSystem, file, contents);
  },

  async list(folder) {
    return fs.promises.readdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
  },

  async makeFolder(folder) {
    await fs.promises.mkdir(folder, { recursive: true });
  },

  async remove(file) {
    await fs.promises.rm(file, { force: true });
  },

  async removeFolder(folder) {
    try {
      await fs.promises.rmdir(folder);
      return true;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return true;
      if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
      throw error;
    }
  },

  async rename(from, to) {
    await fs.promises.rename(from, to);
  },

  async syncFolder(folder) {
    // Windows can't open folders, and needs no such thing.
    if (process.platform === 'win32') return;
    const handle = await fs.promises.open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },

  async volume(folder) {
    const { blocks, bavail, bsize } = await fs.promises.statfs(folder, { bigint: true });
    return { totalBytes: blocks * bsize, usableBytes: bavail * bsize };
  },
};

/** How `replaceFile` goes about it on any file system: a whole new file, then its name, each brought to disk. */
export async function replaceFileOn(
  files: Omit<FileSystem, 'replaceFile'>,
  file: string,
  contents: Buffer | string,
): Promise<void> {
  const temporary = `${file}${TEMPORARY_SUFFIX}`;
  const bytes = Buffer.from(contents);
  try {
    const opened = await files.open(temporary);
    try {
      await opened.write([bytes], 0);
      // A crash may have left a longer one.
      await opened.truncate(bytes.length);
      await opened.sync();
    } finally {
      await opened.close();
    }
    await files.rename(temporary, file);
  } catch (error) {
    await files.remove(temporary).catch(() => undefined);
    throw error;
  }
  await files.syncFolder(path.dirname(file));
}

class NodeLogFile implements LogFile {
  private readsUnderWay = 0;
  private closed: { resolve: () => void } | undefined;

  constructor(private readonly fd: number) {}

  async write(buffers: readonly Buffer[], position: number): Promise<void> {
    if (inlineWrites.shouldInline(buffers)) {
      inlineWrites.write(this.fd, buffers, position);
      return;
    }
    let at = position;
    for (let i = 0; i < buffers.length; i += MAX_GATHERED_BUFFERS) {
      let rest = buffers.slice(i, i + MAX_GATHERED_BUFFERS);
      while (rest.length > 0) {
        const { bytesWritten } = await writev(this.fd, rest, at);
        at += bytesWritten;
        rest = withoutFirst(rest, bytesWritten);
      }
    }
  }

  async read(buffer: Buffer, position: number, cached = false): Promise<number> {
    if (cached && buffer.length <= MAX_INLINE_READ_BYTES) return readInline(this.fd, buffer, position);
    this.readsUnderWay++;
    try {
      let filled = 0;
      while (filled < buffer.length) {
        const { bytesRead } = await read(this.fd, buffer, filled, buffer.length - filled, position + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return filled;
    } finally {
      this.readsUnderWay--;
      if (this.readsUnderWay === 0) this.closed?.resolve();
    }
  }

  async sizeBytes(): Promise<number> {
    return (await fstat(this.fd)).size;
  }

  async truncate(sizeBytes: number): Promise<void> {
    await ftruncate(this.fd, sizeBytes);
  }

  async sync(): Promise<void> {
    await inlineWrites.pausedDuring(() => fdatasync(this.fd));
  }

  async close(): Promise<void> {
    if (this.readsUnderWay > 0) {
      await new Promise<void>((resolve) => {
        this.closed = { resolve };
      });
    }
    await close(this.fd);
  }
}

function readInline(fd: number, buffer: Buffer, position: number): number {
  let filled = 0;
  while (filled < buffer.length) {
    const bytesRead = fs.readSync(fd, buffer, filled, buffer.length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}

/** What is left of `buffers` after `bytes` of them were written. */
function withoutFirst(buffers: readonly Buffer[], bytes: number): Buffer[] {
  let skipped = 0;
  const rest: Buffer[] = [];
  for (const buffer of buffers) {
    const start = Math.min(Math.max(bytes - skipped, 0), buffer.length);
    if (start < buffer.length) rest.push(start === 0 ? buffer : buffer.subarray(start));
    skipped += buffer.length;
  }
  return rest;
}
