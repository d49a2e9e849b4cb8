import * as path from 'node:path';
import type { FileSystem, LogFile } from '../files/file-system.js';

/** Bytes before the end of the file that are likely to be in the page cache after an append. */
const CACHED_BYTES = 4 << 20;

/** The file of a segment is shorter than the batches known to be in it: another program has truncated it. */
class SegmentDamagedError extends Error {
  override readonly name = 'SegmentDamagedError';
}

/**
 * The `.log` file of a segment: appends, syncs and reads bytes. It stays open until its owner has closed it and every
 * reader has released it. Appends are not concurrent.
 */
export class SegmentFile {
  /** Bytes that are whole batches, written (and synced, if the append asked for it), and may be read. */
  sizeBytes = 0;
  /** Monotonic time in milliseconds since when bytes wait for a sync; undefined if none do. */
  private unsyncedSinceMs: number | undefined;
  private syncsInProgress = 0;
  private holders = 0;
  private onReleased: (() => void) | undefined;
  private closing: Promise<void> | undefined;
  /** Whether a failed append may have left bytes after `sizeBytes`. */
  private needsTrim = false;
  /** Whether the folder was synced after the file was created in it. */
  private nameIsSynced = false;
  /** Position from which on bytes were written recently, and are in the page cache. */
  private cachedFrom = Number.POSITIVE_INFINITY;

  private constructor(
    private readonly files: FileSystem,
    private readonly folder: string,
    private readonly name: string,
    private readonly file: LogFile,
  ) {}

  static async open(files: FileSystem, folder: string, name: string): Promise<SegmentFile> {
    return new SegmentFile(files, folder, name, await files.open(path.join(folder, name)));
  }

  /** Writes at the end. If it fails, `sizeBytes` is unchanged, and bytes after it are removed by the next append. */
  async append(buffers: readonly Buffer[], { sync }: { sync: boolean }): Promise<void> {
    // After a shorter append, whole batches of a failed one would follow that recovery would accept.
    if (this.needsTrim) await this.trim();
    this.needsTrim = true;
    await this.file.write(buffers, this.sizeBytes);
    this.unsyncedSinceMs ??= performance.now();
    if (sync) await this.sync();
    this.needsTrim = false;
    this.cachedFrom = Math.max(Math.min(this.cachedFrom, this.sizeBytes), this.sizeBytes - CACHED_BYTES);
    for (const buffer of buffers) this.sizeBytes += buffer.length;
  }

  /** Removes bytes after `sizeBytes`. */
  async trim(): Promise<void> {
    await this.file.truncate(this.sizeBytes);
    this.needsTrim = false;
  }

  async trimIfNeeded(): Promise<void> {
    if (this.needsTrim) await this.trim();
  }

  /** Syncs what was written before the call. */
  async sync(): Promise<void> {
    const since = this.unsyncedSinceMs;
    this.unsyncedSinceMs = undefined;
    this.syncsInProgress++;
    try {
      await this.file.sync();
      if (!this.nameIsSynced) await this.files.syncFolder(this.folder);
      this.nameIsSynced = true;
    } catch (error) {
      this.unsyncedSinceMs = since ?? this.unsyncedSinceMs;
      throw error;
    } finally {
      this.syncsInProgress--;
    }
  }

  /** Whether bytes were written that no completed sync covers. */
  get dirty(): boolean {
    return this.unsyncedSinceMs !== undefined || this.syncsInProgress > 0;
  }

  get dirtySinceMs(): number | undefined {
    return this.unsyncedSinceMs;
  }

  /** Bytes in the file, valid or not. They count as unsynced: a killed process may not have synced them. */
  async measure(): Promise<number> {
    const fileBytes = await this.file.sizeBytes();
    if (fileBytes > 0) this.unsyncedSinceMs ??= performance.now();
    return fileBytes;
  }

  /** Takes all bytes in the file as valid and synced, after a clean shutdown or before the recovery point. */
  async trustAll(): Promise<void> {
    this.sizeBytes = await this.file.sizeBytes();
  }

  /** @throws SegmentDamagedError if the file ends before that */
  readExactly(position: number, length: number): Promise<Buffer> {
    return this.readInto(Buffer.allocUnsafe(length), position);
  }

  /** Fills the buffer. @throws SegmentDamagedError if the file ends before that */
  async readInto(buffer: Buffer, position: number): Promise<Buffer> {
    const filled = await this.file.read(buffer, position, position >= this.cachedFrom);
    if (filled === buffer.length) return buffer;
    throw new SegmentDamagedError(
      `${path.join(this.folder, this.name)} ends at byte ${position + filled}, expected at least ${position + buffer.length}`,
    );
  }

  /** Keeps the file open until the returned function is called, once. */
  hold(): () => void {
    this.holders++;
    return () => {
      this.holders--;
      if (this.holders === 0) this.onReleased?.();
    };
  }

  /** Closes the file once no reader holds it. */
  async close(): Promise<void> {
    this.closing ??= this.closeReleased();
    await this.closing;
  }

  private async closeReleased(): Promise<void> {
    if (this.holders > 0) {
      await new Promise<void>((resolve) => {
        this.onReleased = resolve;
      });
    }
    await this.file.close();
  }
}
