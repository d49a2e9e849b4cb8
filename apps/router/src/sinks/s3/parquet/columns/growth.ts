export const INITIAL_ROWS = 1_024;

/** A copy of an array with twice its length. */
export function grown<T extends Float64Array | Uint32Array | Uint8Array | BigInt64Array>(array: T): T {
  const larger = new (array.constructor as new (length: number) => T)(2 * array.length);
  larger.set(array as never);
  return larger;
}
