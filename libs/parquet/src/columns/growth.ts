export const INITIAL_ROWS = 1_024;

type Growing =
  Float64Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Uint8Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>;

/** A copy of an array with twice its length. It has its own buffer. */
export function grown<T extends Growing>(array: T): T {
  const buffer = new ArrayBuffer(2 * array.byteLength);
  new Uint8Array(buffer).set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  return new (array.constructor as new (buffer: ArrayBuffer) => T)(buffer);
}
