/** Fragments that may be of any size: a few small ones cost little. */
const FREE_FRAGMENTS = 1_000;

/** Minimum average size of further ones. Network packets have more than a thousand bytes. */
const MIN_BYTES = 64;

/**
 * Whether a message arrives in so many small fragments that these cost much more memory and processor time than its bytes: each
 * fragment is an object, even if it has a single byte.
 */
export function isCrumbled({
  fragments,
  bytes,
}: {
  readonly fragments: number;
  readonly bytes: number;
}): boolean {
  return (fragments - FREE_FRAGMENTS) * MIN_BYTES > bytes;
}
