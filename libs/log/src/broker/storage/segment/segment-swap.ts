import * as path from 'node:path';
import type { FileSystem } from '../files/file-system.js';
import { INDEX_SUFFIXES, LOG_FILE, removeSegmentFiles, segmentName, SWAP_FILE } from './segment-files.js';

/*
 * Replaces several segments by one. The process may be killed at any time:
 *
 *   1. The new segment is written to BASE.cleaned, which the next start removes.
 *   2. Once synced, it is renamed to BASE-END.swap. It is now part of the log; the next start continues with step 3.
 *   3. The segments from BASE to END are removed, and it is renamed to BASE.log. Its indexes are written.
 */

/** Suffix of an incomplete file. */
export const CLEANED_SUFFIX = '.cleaned';
const CLEANED_FILE = /^\d{20}\.cleaned$/;

/** Offsets of the replaced segments: from the base offset to that of the next segment. */
interface SwappedRange {
  readonly base: bigint;
  readonly end: bigint;
}

export function swapName({ base, end }: SwappedRange): string {
  return `${segmentName(base)}-${segmentName(end)}.swap`;
}

/** Renames a complete `.cleaned` file. @returns its name until `finishSwap` */
export async function beginSwap(files: FileSystem, folder: string, range: SwappedRange): Promise<string> {
  const swap = swapName(range);
  const cleaned = `${segmentName(range.base)}${CLEANED_SUFFIX}`;
  await files.rename(path.join(folder, cleaned), path.join(folder, swap));
  await files.syncFolder(folder);
  return swap;
}

/** Completes interrupted swaps. @returns the names of the files in the folder afterwards */
export async function finishSwaps(files: FileSystem, folder: string): Promise<string[]> {
  const names = await files.list(folder);
  const unfinished = names.filter((name) => CLEANED_FILE.test(name) || SWAP_FILE.test(name));
  if (unfinished.length === 0) return names;
  for (const name of unfinished) {
    if (SWAP_FILE.test(name)) await finishSwap(files, folder, name);
    else await files.remove(path.join(folder, name));
  }
  return files.list(folder);
}

/** Removes the segments that a `.swap` file replaces, and renames it. */
export async function finishSwap(files: FileSystem, folder: string, swap: string): Promise<void> {
  const [, baseName = '', endName = ''] = SWAP_FILE.exec(swap) ?? [];
  const base = BigInt(baseName);
  const end = BigInt(endName);
  for (const name of await files.list(folder)) {
    if (!LOG_FILE.test(name)) continue;
    const replaced = BigInt(name.slice(0, segmentName(0n).length));
    if (replaced > base && replaced < end) await removeSegmentFiles(files, folder, replaced);
  }
  // Index files of the replaced segment would be trusted.
  for (const suffix of INDEX_SUFFIXES) await files.remove(path.join(folder, `${baseName}.${suffix}`));
  await files.syncFolder(folder);
  await files.rename(path.join(folder, swap), path.join(folder, `${baseName}.log`));
  await files.syncFolder(folder);
}
