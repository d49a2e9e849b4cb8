import { mkdirSync, readFileSync } from 'node:fs';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { lockFolder } from '@hailstream/service/folder-lock';

/** File with the number of the series that is in use; without it, the series is in the folder itself. */
const CURRENT = 'current';

const NUMBER = /^\d{6}$/;

/** Files of the series in the folder itself. */
const SERIES_FILE = /^(\d{12}\.keyframe|trips-[\da-f]{32}|late-\d{12}|journal)$/;

/**
 * A folder with series of keyframes. One is in use; the next one, with a higher number, may be read from an earlier start of
 * the log, and replaces it at once when it is complete.
 */
export class KeyframeFolder {
  private unlock: (() => void) | null = null;

  constructor(private readonly path: string) {}

  /** @throws FolderInUseError if another process uses the folder */
  lock(): void {
    mkdirSync(this.path, { recursive: true });
    this.unlock ??= lockFolder(this.path);
  }

  close(): void {
    this.unlock?.();
    this.unlock = null;
  }

  /** Folder of the series that is in use. */
  get current(): string {
    return this.pathOf(this.currentNumber);
  }

  /** Folder of the series that is to replace it. */
  get next(): string {
    return this.pathOf(this.currentNumber + 1);
  }

  /** Uses the next series from now on, also after a restart. */
  async switchToNext(): Promise<void> {
    const file = join(this.path, CURRENT);
    const temporary = `${file}.tmp`;
    const handle = await open(temporary, 'w');
    try {
      await handle.writeFile(`${this.currentNumber + 1}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  }

  async removeNext(): Promise<void> {
    await rm(this.next, { recursive: true, force: true });
  }

  /** Removes the series before the one that is in use. */
  async removePrevious(): Promise<void> {
    const current = this.currentNumber;
    for (const name of await readdir(this.path)) {
      const isPrevious = NUMBER.test(name) ? Number(name) < current : current > 0 && SERIES_FILE.test(name);
      if (isPrevious) await rm(join(this.path, name), { recursive: true, force: true });
    }
  }

  private get currentNumber(): number {
    try {
      const number = Number(readFileSync(join(this.path, CURRENT), 'utf8'));
      return Number.isSafeInteger(number) && number > 0 ? number : 0;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return 0;
      throw error;
    }
  }

  private pathOf(number: number): string {
    return number === 0 ? this.path : join(this.path, String(number).padStart(6, '0'));
  }
}
