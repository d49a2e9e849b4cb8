import * as path from 'node:path';
import type { FileSystem } from '../files/file-system.js';

/** The records of a segment. */
export const LOG_FILE = /^\d{20}\.log$/;
/** Any file of a segment. */
export const SEGMENT_FILE = /^\d{20}\.(log|index|timeindex|txnindex|snapshot)$/;
/** Files that were being written when the broker was killed. */
export const UNFINISHED_FILE = /^\d{20}\.(snapshot\.tmp|cleaned)$/;
/** A compacted segment that has yet to replace others: see segment-swap.ts. */
export const SWAP_FILE = /^(\d{20})-(\d{20})\.swap$/;
/** Suffixes of the files that the broker rebuilds from the `.log` file if they are missing. */
export const INDEX_SUFFIXES = ['index', 'timeindex', 'txnindex'] as const;

/** Whether the broker creates files with this name in the folder of a partition. */
export function isPartitionFile(name: string): boolean {
  return SEGMENT_FILE.test(name) || UNFINISHED_FILE.test(name) || SWAP_FILE.test(name);
}

/** Name of a segment's files without the suffix, the same as Kafka's. */
export function segmentName(baseOffset: bigint): string {
  return String(baseOffset).padStart(20, '0');
}

/** Removes all files of a segment, the `.log` file first. */
export async function removeSegmentFiles(
  files: FileSystem,
  folder: string,
  baseOffset: bigint,
): Promise<void> {
  for (const suffix of ['log', ...INDEX_SUFFIXES, 'snapshot']) {
    await files.remove(path.join(folder, `${segmentName(baseOffset)}.${suffix}`));
  }
}
