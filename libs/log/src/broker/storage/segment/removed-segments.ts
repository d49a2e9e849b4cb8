import type { FileSystem } from '../files/file-system.js';
import type { Segment } from './segment.js';

/** Segments that are no part of a log any longer, oldest first, whose files are still to be removed. */
export class RemovedSegments {
  private readonly segments: Segment[] = [];
  private removing: Promise<void> = Promise.resolve();

  constructor(
    private readonly files: FileSystem,
    private readonly folder: string,
  ) {}

  /** Removes the files of these, after those of the ones before, that a failure may have left. */
  async remove(segments: readonly Segment[]): Promise<void> {
    this.segments.push(...segments);
    const done = this.removing.then(() => this.removeAll());
    this.removing = done.catch(() => undefined);
    await done;
  }

  /** Closes what is left. */
  async close(): Promise<void> {
    await this.removing;
    await Promise.all(this.segments.map((segment) => segment.close()));
  }

  private async removeAll(): Promise<void> {
    for (let [segment] = this.segments; segment !== undefined; [segment] = this.segments) {
      await segment.remove();
      // An older segment must not be there without those after it: the log would end with it.
      await this.files.syncFolder(this.folder);
      this.segments.shift();
    }
  }
}
