import type { FileSystem, LogFile } from './file-system.js';
import { OpenFilesError, type OpenFilesBudget } from './open-files.js';
import { PooledFile, type DiskObserver, type FileOwner } from './pooled-file.js';

/** Maximum number of open files that are synced and not in use. Reopening a file costs little. */
const MOST_IDLE_FILES = 512;
/** Maximum number of concurrent calls that open a file and close it again. */
const MOST_SHORT_CALLS = 8;

/**
 * A file system with a limited number of open files: those used most recently. Others are reopened on use. Unsynced
 * files are synced before they are closed, so that a failed write is noticed.
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

/** The open files, and those that are reopened on use. */
class FilePool implements FileOwner {
  /** Files by path, for renames. */
  private readonly byPath = new Map<string, Set<PooledFile>>();
  /** Open, synced and not in use, least recently used first. */
  private readonly idle = new Set<PooledFile>();
  /** Open, unsynced and not in use. */
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
    // Open during the rename: it is not known which name they could be reopened with.
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

  async openNow(path: string, how: { existing: boolean }): Promise<LogFile> {
    await this.takeRoom();
    try {
      return await this.whileFilesRunOut(() => this.files.open(path, how));
    } catch (error) {
      this.closed();
      throw error;
    }
  }

  /** Runs a call that opens and closes a file. */
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

  markUsed(file: PooledFile): void {
    this.idle.delete(file);
    this.unsynced.delete(file);
  }

  markUnused(file: PooledFile): void {
    if (file.hasUnsynced) this.unsynced.add(file);
    else this.idle.add(file);
    // After a failed close the file is closed too.
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
      // If no file can be closed, the limit is exceeded: the process has reserves.
      if (this.openCount < this.budget.logFiles || !this.isAnyInUse) break;
      await new Promise<void>((resolve) => void this.waiting.push(resolve));
    }
    this.openCount++;
  }

  /** Closes files and retries if the limit of the process or of the system is reached. */
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

  /** Closes the least recently used file. @returns false if all are in use or cannot be synced */
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
