const UUID_LENGTH = 36;
const DASH = 0x2d;

/** Where the two digits of each byte are in the text. */
const DIGITS_AT = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
const DASHES_AT = [8, 13, 18, 23];

/** The characters of the digits, and their values by character: 16 if it is not a lower-case digit. */
const characters = Buffer.from('0123456789abcdef', 'latin1');
const values = new Uint8Array(128).fill(16);
for (const [value, character] of characters.entries()) values[character] = value;

const scratch = Buffer.alloc(UUID_LENGTH);
for (const at of DASHES_AT) scratch[at] = DASH;

/** Writes the 16 bytes of a lower-case UUID. Returns whether the text is one. */
export function writeUuid(text: string, bytes: Buffer, at: number): boolean {
  if (text.length !== UUID_LENGTH) return false;
  for (const dash of DASHES_AT) if (text.charCodeAt(dash) !== DASH) return false;
  for (let index = 0; index < 16; index += 1) {
    const digits = DIGITS_AT[index]!;
    const high = values[text.charCodeAt(digits)] ?? 16;
    const low = values[text.charCodeAt(digits + 1)] ?? 16;
    if (high === 16 || low === 16) return false;
    bytes[at + index] = high * 16 + low;
  }
  return true;
}

export function readUuid(bytes: Buffer, at: number): string {
  for (let index = 0; index < 16; index += 1) {
    const byte = bytes[at + index]!;
    const digits = DIGITS_AT[index]!;
    scratch[digits] = characters[byte >> 4]!;
    scratch[digits + 1] = characters[byte & 15]!;
  }
  return scratch.toString('latin1');
}
