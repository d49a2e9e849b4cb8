/** Start of a field that the event does not have, and of one that is `null`. */
export const NOT_PRESENT = -1;
export const NO_VALUE = -2;
/** What a reader returns if the value is not canonical or not valid. */
export const REFUSED = -1;

/** Reads the value at a position of the state's bytes into its slot. Returns the end of the value, or {@link REFUSED}. */
export type Read = (at: number) => number;

/** A field of an event, and the slot of its value. */
export interface ScannedField {
  readonly kind: 'uuid' | 'text' | 'number' | 'boolean' | 'uuids' | 'texts' | 'object';
  readonly slot: number;
}

/** The value that is being read, and what was found in it, by slot. */
export interface ScanState {
  bytes: Buffer;
  end: number;
  /** Start of each text, {@link NOT_PRESENT} or {@link NO_VALUE}. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly numbers: Float64Array;
  /** Four for each slot. */
  readonly words: Uint32Array;
}

/** Whether the bytes at a position are these. */
export function matches(bytes: Buffer, expected: Buffer, at: number): boolean {
  for (let index = 0; index < expected.length; index += 1) {
    if (bytes[at + index] !== expected[index]) return false;
  }
  return true;
}

/** Character codes. */
export function charactersOf(text: string): [number, number, number, number, number, number] {
  return [...Buffer.from(text)] as ReturnType<typeof charactersOf>;
}
