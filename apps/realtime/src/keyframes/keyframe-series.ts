import { performance } from 'node:perf_hooks';
import type { Logger } from '@hailstream/service/logging';
import { KeyframeArchive, type ReadKeyframe } from '../archive/keyframe-archive.js';
import { KeyframeError } from '../archive/keyframe.js';
import { KeyframeFolder } from '../archive/keyframe-folder.js';
import { LogIndex } from '../log/log-index.js';
import type { KeyframeMetrics } from '../metrics/keyframe-metrics.service.js';
import { discontinuity, type PresentLog } from './keyframe-log.js';

/** How often keyframes that the log no longer continues are removed. */
const CHECK_LOG_MS = 60_000;

interface SeriesOptions {
  /** `null`: no keyframes are written. */
  readonly folder: string | null;
  readonly maxBytes: number;
}

/** The series of keyframes that is in use, in its folder. Failures of the disk are reported, and do not stop the service. */
export class KeyframeSeries {
  private readonly folder: KeyframeFolder | null;
  private current: KeyframeArchive | null;
  private isOpened = false;
  private checkedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly options: SeriesOptions,
    private readonly index: LogIndex,
    private readonly metrics: KeyframeMetrics,
    private readonly logger: Logger,
  ) {
    const { folder, maxBytes } = options;
    this.folder = folder === null ? null : new KeyframeFolder(folder);
    this.current = folder === null ? null : new KeyframeArchive(folder, maxBytes, index);
    if (this.current !== null) index.enable();
  }

  /** `null` without a folder. Another one after {@link adopt}. */
  get archive(): KeyframeArchive | null {
    return this.current;
  }

  /** Whether the folder was opened. */
  get isOpen(): boolean {
    return this.isOpened;
  }

  /** Opens the series that is in use, and returns its newest keyframe. */
  async open(): Promise<ReadKeyframe | null> {
    const { folder } = this;
    if (folder === null) return null;
    let newest: ReadKeyframe | null = null;
    let outdated = 0;
    this.isOpened = false;
    this.isOpened = await this.attempt('folder of keyframes cannot be opened, will retry', async () => {
      folder.lock();
      await folder.removePrevious();
      let { current } = this;
      if (current === null || current.folder !== folder.current) {
        await current?.close();
        current = new KeyframeArchive(folder.current, this.options.maxBytes, this.index);
        this.current = current;
      }
      newest = await current.open((error, file) => {
        if (error instanceof KeyframeError && error.code === 'KEYFRAME_VERSION') outdated += 1;
        else this.noteDamaged(error, file);
      });
    });
    if (outdated > 0) this.logger.warn({ keyframes: outdated }, 'keyframes of another version removed');
    return newest;
  }

  /** Opens a folder that could not be opened at start, and empties it: the city does not continue its keyframes. */
  async openEmpty(): Promise<boolean> {
    await this.open();
    return this.isOpened && this.attempt('keyframes cannot be removed', async () => this.current?.reset());
  }

  /** Removes all keyframes. */
  async discard(reason: string): Promise<void> {
    const { current } = this;
    if (current === null) return;
    if (current.count > 0) {
      const fields = { reason, keyframes: current.count };
      this.logger.warn(fields, 'keyframes discarded: the log does not continue them');
    }
    await this.attempt('keyframes cannot be removed', () => current.reset());
    this.updateMetrics();
  }

  /** Removes keyframes that the log no longer continues, unless that was done a short time ago. */
  async removeUseless(presentLog: () => Promise<PresentLog>): Promise<void> {
    const now = performance.now();
    if (this.current === null || now - this.checkedAt < CHECK_LOG_MS) return;
    this.checkedAt = now;
    try {
      const log = await presentLog();
      const removed = await this.current.removeOldest((header) => discontinuity(header, log) !== null);
      if (removed > 0)
        this.logger.info({ keyframes: removed }, 'keyframes removed: the log has deleted what follows');
    } catch (error) {
      this.logger.debug({ err: error }, 'offsets of the log cannot be read, will retry');
    }
  }

  /** Folder of the series that is to replace the one in use. */
  get nextFolder(): string | null {
    return this.folder?.next ?? null;
  }

  async removeNext(): Promise<void> {
    if (this.isOpened) await this.folder?.removeNext();
  }

  /** Opens the series that is to replace the one in use. */
  async openNext(folder: string): Promise<{
    readonly archive: KeyframeArchive;
    readonly index: LogIndex;
    readonly newest: ReadKeyframe | null;
  }> {
    const index = new LogIndex();
    index.enable();
    const archive = new KeyframeArchive(folder, this.options.maxBytes, index);
    const newest = await archive.open((error, file) => this.noteDamaged(error, file));
    return { archive, index, newest };
  }

  /** Uses the next series after a restart. */
  async switchToNext(): Promise<void> {
    await this.folder?.switchToNext();
  }

  /** Uses the archive of the next series from now on, and removes the previous one. */
  async adopt(archive: KeyframeArchive): Promise<void> {
    const { current: previous, folder } = this;
    archive.useIndex(this.index);
    this.current = archive;
    this.checkedAt = Number.NEGATIVE_INFINITY;
    await previous?.close();
    await this.attempt('previous keyframes cannot be removed', async () => folder?.removePrevious());
  }

  async close(): Promise<void> {
    await this.current?.close();
    this.folder?.close();
  }

  /** Returns whether there was no failure. */
  async attempt(failure: string, act: () => Promise<void>): Promise<boolean> {
    try {
      await act();
      return true;
    } catch (error) {
      this.metrics.countFailure();
      this.logger.error({ err: error, folder: this.options.folder }, failure);
      return false;
    }
  }

  updateMetrics(): void {
    const { current } = this;
    this.metrics.setStored({ count: current?.count ?? 0, sizeBytes: current?.sizeBytes ?? 0 });
  }

  private noteDamaged(error: unknown, file: string): void {
    this.logger.error({ err: error, file }, 'keyframe cannot be read, using an older one');
    this.metrics.countFailure();
  }
}
