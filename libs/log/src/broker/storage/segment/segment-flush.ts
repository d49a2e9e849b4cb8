import type { Segment } from './segment.js';

/** When the oldest write that is not on disk yet was made, in milliseconds of monotonic time. */
export function oldestUnsynced(segments: readonly Segment[]): number | undefined {
  return segments.find((segment) => segment.dirtySinceMs !== undefined)?.dirtySinceMs;
}

/** Brings to disk everything that was written before the call. @returns whether there was anything */
export async function syncDirty(segments: readonly Segment[]): Promise<boolean> {
  const dirty = segments.filter((segment) => segment.dirty);
  for (const segment of dirty) {
    await segment.sync();
    await segment.persistIndexes({ sync: false });
  }
  return dirty.length > 0;
}
