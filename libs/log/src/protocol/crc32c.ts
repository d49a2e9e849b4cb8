import { createRequire } from 'node:module';

type Crc32c = (bytes: Uint8Array) => number;

/** CRC-32C (Castagnoli) as an unsigned number. Uses native code if it is available for the platform. */
export const crc32c: Crc32c = loadNative() ?? crc32cPlain;

function loadNative(): Crc32c | undefined {
  try {
    const native = createRequire(import.meta.url)('@node-rs/crc32') as { crc32c: Crc32c };
    return native.crc32c(Buffer.from('123456789')) === 0xe3069283 ? native.crc32c : undefined;
  } catch {
    // There is no prebuilt binary for this platform. The implementation below is slower.
    return undefined;
  }
}

const TABLE = makeTable();

/** The same in JavaScript. */
export function crc32cPlain(bytes: Uint8Array): number {
  let crc = ~0;
  for (let i = 0; i < bytes.length; i++) {
    crc = (TABLE[(crc ^ (bytes[i] as number)) & 0xff] as number) ^ (crc >>> 8);
  }
  return ~crc >>> 0;
}

function makeTable(): Int32Array {
  const table = new Int32Array(256);
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
    table[n] = c;
  }
  return table;
}
