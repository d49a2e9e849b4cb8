import type { FileSystem, LogFile } from './file-system.js';
import { OpenFilesError, type OpenFilesBudget } from './open-files.js';
import { PooledFile, type DiskObserver } from './pooled-file.js';

/** Files that are on disk as they are and that nobody uses: opening them again costs little. */
const MOST_IDLE_FILES = 512;
/** Calls that open a file for themselves and close it, at a time. */
const MOST_SHORT_CALLS = 8;

/**
 * A file system that keeps a bounded number of files open: those that were used last. Others are opened again on use.
 * What was written and not synced is synced before its file is closed, so that no failure to write it goes unnoticed.
 */
export function pooledFiles(
  files: FileSystem,
  { budget, observer }: { budget: OpenFilesBudget; observer: DiskObserver },
): FileSystem {
  const pool = new FilePool(files, budget, observer);
  const short = <T>(work: () => Promise<T>): Promise<T> => pool.shortCall(work);
  return {
    open: (file, how) => pool.open(file, how),
    readFile: (file) => short(() => files.readFile(file)),
    async replaceFile(file, contents) {
      try {
        await short(() => files.replaceFile(file, contents));
      } catch (error) {
        observer.failed(error);
        throw error;
      }
    },
    list: (folder) => short(() => files.list(folder)),
    makeFolder: (folder) => files.makeFolder(folder),
    remove: (file) => files.remove(file),
    removeFolder: (folder) => files.removeFolder(folder),
    rename: (from, to) => pool.rename(from, to),
    syncFolder: (folder) => short(() => files.syncFolder(folder)),
    volume: (folder) => files.volume(folder),
  };
}

/** The files that are open, and those that can be opened again. */
export class FilePool {
  /** By path: a rename takes them along. */
  private readonly byPath = new Map<string, Set<PooledFile>>();
  /** Open, in nobody's use, on disk as they are; the one that was used longest ago first. */
  private readonly idle = new Set<PooledFile>();
  /** The same, with bytes that no sync has covered. */
  private readonly unsynced = new Set<PooledFile>();
  private openCount = 0;
  private shortCalls = 0;
  private readonly waiting: (() => void)[] = [];
  private readonly waitingShort: (() => void)[] = [];

  constructor(
    private readonly files: FileSystem,
    private readonly budget: OpenFilesBudget,
    readonly observer: DiskObserver,
  ) {}

  async open(path: string, how = { existing: false }): Promise<LogFile> {
    const file = new PooledFile(this, path);
    const release = await file.hold(how);
    const alike = this.byPath.get(path) ?? new Set();
    this.byPath.set(path, alike.add(file));
    release();
    return file;
  }

  async rename(from: string, to: string): Promise<void> {
    const moved = [...(this.byPath.get(from) ?? [])].filter((file) => !file.isEnded);
    // Open meanwhile: under which of the names it can be opened again is not known.
    const releases = await Promise.all(moved.map((file) => file.hold()));
    try {
      await this.files.rename(from, to);
      if (moved.length === 0) return;
      const alike = this.byPath.get(to) ?? new Set();
      for (const file of moved) {
        this.byPath.get(from)?.delete(file);
        alike.add(file);
        file.path = to;
      }
      this.byPath.set(to, alike);
    } finally {
      for (const release of releases) release();
    }
  }

  /** Opens a file, once there is room for it. */
  async openNow(path: string, how: { existing: boolean }): Promise<LogFile> {
    await this.takeRoom();
    try {
      return await this.whileFilesRunOut(() => this.files.open(path, how));
    } catch (error) {
      this.closed();
      throw error;
    }
  }

  /** Does what opens a file for itself, a few of them at a time. */
  async shortCall<T>(work: () => Promise<T>): Promise<T> {
    while (this.shortCalls >= MOST_SHORT_CALLS) {
      await new Promise<void>((resolve) => void this.waitingShort.push(resolve));
    }
    this.shortCalls++;
    try {
      return await this.whileFilesRunOut(work);
    } finally {
      this.shortCalls--;
      this.waitingShort.shift()?.();
    }
  }

  /** A file is about to be used, or is not open any longer. */
  taken(file: PooledFile): void {
    this.idle.delete(file);
    this.unsynced.delete(file);
  }

  /** Nobody uses a file, and it is open. */
  unused(file: PooledFile): void {
    if (file.hasUnsynced) this.unsynced.add(file);
    else this.idle.add(file);
    // What can't be closed is open no longer either.
    if (this.idle.size > MOST_IDLE_FILES) void this.closeOne().catch(() => undefined);
    this.waiting.shift()?.();
  }

  closed(): void {
    this.openCount--;
    this.waiting.shift()?.();
  }

  forget(file: PooledFile): void {
    const alike = this.byPath.get(file.path);
    alike?.delete(file);
    if (alike?.size === 0) this.byPath.delete(file.path);
  }

  private get isAnyInUse(): boolean {
    return this.openCount > this.idle.size + this.unsynced.size;
  }

  private async takeRoom(): Promise<void> {
    while (this.openCount >= this.budget.logFiles) {
      if (await this.closeOne()) continue;
      // If none of them can be closed, one more is better than none: half of what the process may open is in reserve.
      if (this.openCount < this.budget.logFiles || !this.isAnyInUse) break;
      await new Promise<void>((resolve) => void this.waiting.push(resolve));
    }
    this.openCount++;
  }

  /** Tries again with fewer files open, if the process or the system has too many. */
  private async whileFilesRunOut<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code !== 'EMFILE' && code !== 'ENFILE') throw error;
        if (!(await this.closeOne())) throw new OpenFilesError(code, this.budget.limit, error);
      }
    }
  }

  /** Closes the file that was used longest ago. @returns false if all are in use, or can't be synced */
  private async closeOne(): Promise<boolean> {
    const [idle] = this.idle;
    if (idle !== undefined) {
      await idle.closeForNow();
      return true;
    }
    for (const file of [...this.unsynced]) if (await file.syncAndClose()) return true;
    return false;
  }
}
