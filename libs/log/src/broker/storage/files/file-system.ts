import * as fs from 'node:fs';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { InlineWrites } from './inline-writes.js';

/** A file with reads and writes at given positions. */
export interface LogFile {
  /** Writes all buffers in order, starting at `position`. */
  write(buffers: readonly Buffer[], position: number): Promise<void>;
  /**
   * Fills `buffer` from `position` on. With `cached` the bytes are expected to be in the page cache, and a short read is
   * made on the event loop thread.
   *
   * @returns bytes read: fewer than its length only at the end of the file
   */
  read(buffer: Buffer, position: number, cached?: boolean): Promise<number>;
  sizeBytes(): Promise<number>;
  truncate(sizeBytes: number): Promise<void>;
  /** Resolves once all writes survive a power failure. */
  sync(): Promise<void>;
  /** Closes once the reads in progress have completed. */
  close(): Promise<void>;
}

/** The operations of the storage on the operating system. Tests inject failures. */
export interface FileSystem {
  /** Opens for reading and writing. Creates a missing file unless `existing` is set. */
  open(file: string, how?: { existing: boolean }): Promise<LogFile>;
  /** @returns undefined if the file does not exist */
  readFile(file: string): Promise<Buffer | undefined>;
  /** Replaces a file atomically: after a crash it is either the old or the new one. */
  replaceFile(file: string, contents: Buffer | string): Promise<void>;
  /** Names in a folder; empty if it does not exist. */
  list(folder: string): Promise<string[]>;
  makeFolder(folder: string): Promise<void>;
  /** Removes a file if it exists. */
  remove(file: string): Promise<void>;
  /** Removes an empty folder. @returns false if it is not empty */
  removeFolder(folder: string): Promise<boolean>;
  rename(from: string, to: string): Promise<void>;
  /** Resolves once files created, renamed and removed in a folder survive a power failure. */
  syncFolder(folder: string): Promise<void>;
  /** Size of the volume of a folder. */
  volume(folder: string): Promise<{ totalBytes: bigint; usableBytes: bigint }>;
}

/** Suffix of files that are about to replace others. After a crash they are removed. */
export const TEMPORARY_SUFFIX = '.tmp';
/** Records, committed offsets and the clients' addresses are for this user only. */
const PRIVATE_FILE = 0o600;
export const PRIVATE_FOLDER = 0o700;
/** Larger reads run on the thread pool even if the bytes are in the page cache. */
const MAX_INLINE_READ_BYTES = 64 << 10;
/** Maximum number of buffers per `writev` (IOV_MAX on Linux and macOS). */
const MAX_GATHERED_BUFFERS = 1024;

const inlineWrites = new InlineWrites();
/** Of every write that has completed on the event loop thread. */
const WRITTEN = Promise.resolve();

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
    const fd = await promisify(fs.open)(file, flags, PRIVATE_FILE);
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
    await fs.promises.mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER });
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
    // Windows cannot open folders, and does not need it.
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

/** `replaceFile` for any file system: writes and syncs a temporary file, renames it and syncs the folder. */
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
      // A longer temporary file may be left from a crash.
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
  private readsInProgress = 0;
  private closed: { resolve: () => void } | undefined;

  constructor(private readonly fd: number) {}

  write(buffers: readonly Buffer[], position: number): Promise<void> {
    if (!inlineWrites.shouldInline(buffers)) return this.writeOnPool(buffers, position);
    try {
      inlineWrites.write(this.fd, buffers, position);
      return WRITTEN;
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  private writeOnPool(buffers: readonly Buffer[], position: number): Promise<void> {
    const [only] = buffers;
    if (only !== undefined && buffers.length === 1) return writeOne(this.fd, only, position);
    return this.writeGathered(buffers, position);
  }

  private async writeGathered(buffers: readonly Buffer[], position: number): Promise<void> {
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
    this.readsInProgress++;
    try {
      let filled = 0;
      while (filled < buffer.length) {
        const { bytesRead } = await read(this.fd, buffer, filled, buffer.length - filled, position + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return filled;
    } finally {
      this.readsInProgress--;
      if (this.readsInProgress === 0) this.closed?.resolve();
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
    if (this.readsInProgress > 0) {
      await new Promise<void>((resolve) => {
        this.closed = { resolve };
      });
    }
    await close(this.fd);
  }
}

/** Writes one buffer on the thread pool, with one promise: appends are mostly such writes. */
function writeOne(fd: number, buffer: Buffer, position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const writeFrom = (from: number) => {
      fs.write(fd, buffer, from, buffer.length - from, position + from, (error, bytesWritten) => {
        if (error) reject(error);
        else if (from + bytesWritten < buffer.length) writeFrom(from + bytesWritten);
        else resolve();
      });
    };
    writeFrom(0);
  });
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

/** The rest of `buffers` after `bytes` were written. */
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
