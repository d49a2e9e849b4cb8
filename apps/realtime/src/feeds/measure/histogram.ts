/** Bounds of the buckets are powers of this: four buckets for each doubling. */
const PER_DOUBLING = 4;

/** The lower bound of the second bucket, in milliseconds; the first bucket has what is less. */
const LEAST_MS = 8;

/** Reaches beyond a week. */
export const BUCKETS = 104;

/** The bucket of a time in milliseconds. Negative times are in the first bucket. */
export function bucketOf(ms: number): number {
  if (ms < LEAST_MS) return 0;
  return Math.min(BUCKETS - 1, 1 + Math.floor(Math.log2(ms / LEAST_MS) * PER_DOUBLING));
}

/** Returns the time at a quantile, in the middle of its bucket; `null` if the counts are empty. */
export function quantile(counts: Uint32Array, q: number): number | null {
  const bucket = bucketAt(counts, q);
  if (bucket === null || bucket === 0) return bucket;
  return Math.round(LEAST_MS * 2 ** ((bucket - 0.5) / PER_DOUBLING));
}

/** Ratios from 1/16 to 16, eight buckets for each doubling. */
const RATIOS_PER_DOUBLING = 8;
const LEAST_RATIO = 1 / 16;
export const RATIO_BUCKETS = 8 * RATIOS_PER_DOUBLING;

/** The bucket of a positive ratio. */
export function ratioBucketOf(ratio: number): number {
  const bucket = Math.floor(Math.log2(ratio / LEAST_RATIO) * RATIOS_PER_DOUBLING);
  return Math.min(RATIO_BUCKETS - 1, Math.max(0, bucket));
}

/** Returns the median ratio, in the middle of its bucket; `null` if the counts are empty. */
export function medianRatio(counts: Uint32Array): number | null {
  const bucket = bucketAt(counts, 0.5);
  return bucket === null ? null : LEAST_RATIO * 2 ** ((bucket + 0.5) / RATIOS_PER_DOUBLING);
}

function bucketAt(counts: Uint32Array, q: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let left = Math.max(1, Math.ceil(q * total));
  return counts.findIndex((count) => (left -= count) <= 0);
}
