import * as path from 'node:path';
import type { FileSystem } from '../files/file-system.js';
import { INDEX_SUFFIXES, LOG_FILE, removeSegmentFiles, segmentName, SWAP_FILE } from './segment-files.js';

/*
 * How one segment takes the place of several, whenever the process is killed:
 *
 *   1. it is written to BASE.cleaned, which the next start removes;
 *   2. once on disk it is renamed to BASE-END.swap: from then on it will be part of the log, and a start goes on with 3;
 *   3. what was between BASE and END is removed, and it is renamed to BASE.log. Its indexes follow.
 */

/** Of a file that is not whole yet. */
export const CLEANED_SUFFIX = '.cleaned';
const CLEANED_FILE = /^\d{20}\.cleaned$/;

/** Offsets whose segments are replaced by one: from its base to before the next segment's. */
export interface SwappedRange {
  readonly base: bigint;
  readonly end: bigint;
}

export function swapName({ base, end }: SwappedRange): string {
  return `${segmentName(base)}-${segmentName(end)}.swap`;
}

/** Makes a whole `.cleaned` file part of the log, once `finishSwap` has been done. @returns its name until then */
export async function beginSwap(files: FileSystem, folder: string, range: SwappedRange): Promise<string> {
  const swap = swapName(range);
  const cleaned = `${segmentName(range.base)}${CLEANED_SUFFIX}`;
  await files.rename(path.join(folder, cleaned), path.join(folder, swap));
  await files.syncFolder(folder);
  return swap;
}

/** Ends the swaps that a crash interrupted. @returns the names that are then in the folder */
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

/** Removes what a `.swap` file replaces, and gives it its place. */
export async function finishSwap(files: FileSystem, folder: string, swap: string): Promise<void> {
  const [, baseName = '', endName = ''] = SWAP_FILE.exec(swap) ?? [];
  const base = BigInt(baseName);
  const end = BigInt(endName);
  for (const name of await files.list(folder)) {
    if (!LOG_FILE.test(name)) continue;
    const replaced = BigInt(name.slice(0, segmentName(0n).length));
    if (replaced > base && replaced < end) await removeSegmentFiles(files, folder, replaced);
  }
  // An index of what was there before would be believed.
  for (const suffix of INDEX_SUFFIXES) await files.remove(path.join(folder, `${baseName}.${suffix}`));
  await files.syncFolder(folder);
  await files.rename(path.join(folder, swap), path.join(folder, `${baseName}.log`));
  await files.syncFolder(folder);
}
