import type { LogFile } from './file-system.js';

/** Observes the writes and syncs of a broker's files. */
export interface DiskObserver {
  synced(seconds: number): void;
  /** A write or a sync failed. */
  failed(error: unknown): void;
  wrote(): void;
}

/** What a file needs of the pool that decides how long it stays open. */
export interface FileOwner {
  readonly observer: DiskObserver;
  /** Opens a file as soon as the limit allows it. */
  openNow(path: string, how: { readonly existing: boolean }): Promise<LogFile>;
  /** The file is in use, or ended. */
  markUsed(file: PooledFile): void;
  /** The file is open and not in use. */
  markUnused(file: PooledFile): void;
  /** A file was closed. */
  closed(): void;
  /** The file will not be used again. */
  forget(file: PooledFile): void;
}

/** A file that is open while it is in use, and afterwards for as long as the pool has room. */
export class PooledFile implements LogFile {
  private real: LogFile | undefined;
  private opening: Promise<LogFile> | undefined;
  private users = 0;
  private onUnused: (() => void) | undefined;
  private ended = false;
  /** Incremented at the start and at the end of each write. */
  private changes = 0;
  /** `changes` at the last sync; -1 before the first, because an earlier process may have left unsynced bytes. */
  private syncedChanges = -1;

  constructor(
    private readonly pool: FileOwner,
    public path: string,
  ) {}

  get isEnded(): boolean {
    return this.ended;
  }

  get hasUnsynced(): boolean {
    return this.changes > Math.max(this.syncedChanges, 0);
  }

  /** Keeps the file open until the returned function is called. */
  async hold(how = { existing: true }): Promise<() => void> {
    this.expectOpen();
    this.users++;
    this.pool.markUsed(this);
    try {
      if (this.real === undefined) await this.openNow(how);
    } catch (error) {
      this.release();
      throw error;
    }
    return () => this.release();
  }

  async write(buffers: readonly Buffer[], position: number): Promise<void> {
    // Not in terms of `change` and `use`: each append is a write, and each asynchronous function costs.
    this.expectOpen();
    this.changes++;
    if (this.users++ === 0) this.pool.markUsed(this);
    let { real } = this;
    try {
      real ??= await this.openNow({ existing: true });
      await real.write(buffers, position);
    } catch (error) {
      if (real !== undefined) this.pool.observer.failed(error);
      throw error;
    } finally {
      // A sync that started meanwhile may not cover the write.
      this.changes++;
      this.release();
    }
    this.pool.observer.wrote();
  }

  async truncate(sizeBytes: number): Promise<void> {
    await this.change((real) => real.truncate(sizeBytes));
  }

  read(buffer: Buffer, position: number, cached?: boolean): Promise<number> {
    return this.use((real) => real.read(buffer, position, cached));
  }

  sizeBytes(): Promise<number> {
    return this.use((real) => real.sizeBytes());
  }

  async sync(): Promise<void> {
    // It was synced before it was closed.
    if (this.real === undefined && this.syncedChanges === this.changes) return;
    await this.use(() => this.syncNow());
  }

  async close(): Promise<void> {
    this.ended = true;
    if (this.users > 0) {
      await new Promise<void>((resolve) => {
        this.onUnused = resolve;
      });
    }
    this.pool.forget(this);
    await this.closeForNow();
  }

  /** Closes a file that is not in use. It is reopened on use. */
  async closeForNow(): Promise<void> {
    const { real } = this;
    this.real = undefined;
    this.pool.markUsed(this);
    if (real === undefined) return;
    try {
      await real.close();
    } finally {
      this.pool.closed();
    }
  }

  /** Syncs and closes a file. @returns whether it was closed */
  async syncAndClose(): Promise<boolean> {
    if (this.ended || this.users > 0 || this.real === undefined) return false;
    const release = await this.hold();
    try {
      await this.syncNow();
    } catch {
      // It remains open, and its owner syncs it again.
      return false;
    } finally {
      release();
    }
    if (this.users > 0 || this.hasUnsynced) return false;
    await this.closeForNow();
    return true;
  }

  private async syncNow(): Promise<void> {
    const { changes } = this;
    const startedMs = performance.now();
    await this.observe((this.real as LogFile).sync());
    this.syncedChanges = changes;
    this.pool.observer.synced((performance.now() - startedMs) / 1000);
  }

  private async observe(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.pool.observer.failed(error);
      throw error;
    }
  }

  private async change(work: (real: LogFile) => Promise<void>): Promise<void> {
    this.changes++;
    try {
      await this.use(work);
    } finally {
      // A sync that started meanwhile may not cover the write.
      this.changes++;
    }
  }

  private async use<T>(work: (real: LogFile) => Promise<T>): Promise<T> {
    this.expectOpen();
    if (this.users++ === 0) this.pool.markUsed(this);
    try {
      return await work(this.real ?? (await this.openNow({ existing: true })));
    } finally {
      this.release();
    }
  }

  private expectOpen(): void {
    if (this.ended) throw Object.assign(new Error(`${this.path} is closed`), { code: 'EBADF' });
  }

  private release(): void {
    this.users--;
    if (this.users > 0) return;
    this.onUnused?.();
    if (this.real !== undefined && !this.ended) this.pool.markUnused(this);
  }

  private openNow(how: { existing: boolean }): Promise<LogFile> {
    this.opening ??= this.pool.openNow(this.path, how).then(
      (real) => {
        this.real = real;
        this.opening = undefined;
        return real;
      },
      (error: unknown) => {
        this.opening = undefined;
        throw error;
      },
    );
    return this.opening;
  }
}
