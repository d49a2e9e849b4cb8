/** Maximum number of slices, and the least time of one. */
const MAX_SLICES = 4_000;
const MIN_SLICE_MS = 10_000;

/**
 * The times at which reading from `since` to `now` pauses for a keyframe. Partitions are read at different speeds, so that a
 * keyframe in between would contain events of one partition that are much later than those of another.
 */
export function sliceTimes({
  since,
  now,
  records,
  recordsPerSlice,
}: {
  readonly since: number;
  readonly now: number;
  readonly records: bigint;
  readonly recordsPerSlice: bigint;
}): number[] {
  const count = Math.min(MAX_SLICES, Number(records / recordsPerSlice));
  const sliceMs = Math.max(MIN_SLICE_MS, (now - since) / (count + 1));
  return Array.from({ length: count }, (_, index) => Math.round(since + (index + 1) * sliceMs));
}
