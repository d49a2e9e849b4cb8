/** A segment's records. */
export const LOG_FILE = /^\d{20}\.log$/;
/** What belongs to a segment. */
export const SEGMENT_FILE = /^\d{20}\.(log|index|timeindex|txnindex|snapshot)$/;
/** What a crash leaves of files that were being written. */
export const UNFINISHED_FILE = /^\d{20}\.(snapshot\.tmp|cleaned)$/;
/** A compacted segment on its way to its place: see segment-swap.ts. */
export const SWAP_FILE = /^(\d{20})-(\d{20})\.swap$/;

/** Whether the broker gives files in a partition's folder such a name. */
export function isPartitionFile(name: string): boolean {
  return SEGMENT_FILE.test(name) || UNFINISHED_FILE.test(name) || SWAP_FILE.test(name);
}
