import { createInflateRaw, crc32 } from 'node:zlib';
import { FileError } from './file.error.js';

/** First bytes of every gzip member. */
const MAGIC = [0x1f, 0x8b] as const;

const DEFLATE = 8;
const HEADER_BYTES = 10;
const TRAILER_BYTES = 8;

/** Longest name or comment in a header: a longer one is damage. */
const MAX_HEADER_TEXT_BYTES = 65_536;

/** Bits of the header's flags. */
const Flag = { checksum: 2, extra: 4, name: 8, comment: 16, reserved: 0b1110_0000 } as const;

/** Whether a file that begins with these bytes is gzip. */
export function isGzip(start: Uint8Array): boolean {
  return start.length >= 2 && start[0] === MAGIC[0] && start[1] === MAGIC[1];
}

/**
 * Unpacks gzip data as `gzip -d` does: any number of members, with zero bytes between and after them. Other bytes after
 * a member are not unpacked, and end the data: `onTrailingBytes` is called once. Node's own `createGunzip` ends without
 * an error at the first zero byte and leaves out the members behind it.
 *
 * @throws {FileError} if a member is damaged or ends too early
 * @see RFC 1952
 */
export async function* gunzip(
  chunks: AsyncIterable<Uint8Array>,
  onTrailingBytes: () => void,
): AsyncGenerator<Uint8Array> {
  const input = new ByteInput(chunks);
  try {
    for (;;) {
      await readHeader(input);
      yield* readMember(input);
      const next = await input.skipZeros();
      if (next === 0) return;
      if (!isGzip(await input.peek(2))) {
        onTrailingBytes();
        return;
      }
    }
  } finally {
    await input.close();
  }
}

/**
 *     header => ID1 ID2 CM FLG MTIME(4) XFL OS [XLEN(2) extra] [name 0] [comment 0] [CRC16(2)]
 */
async function readHeader(input: ByteInput): Promise<void> {
  const header = await input.take(HEADER_BYTES);
  const flags = header[3]!;
  if (!isGzip(header) || header[2] !== DEFLATE || (flags & Flag.reserved) !== 0) {
    throw new FileError('the gzip data is damaged (its header is not known)');
  }
  if ((flags & Flag.extra) !== 0) {
    const length = await input.take(2);
    await input.take(length[0]! + length[1]! * 256);
  }
  if ((flags & Flag.name) !== 0) await input.takeText();
  if ((flags & Flag.comment) !== 0) await input.takeText();
  if ((flags & Flag.checksum) !== 0) await input.take(2);
}

async function* readMember(input: ByteInput): AsyncGenerator<Uint8Array> {
  const inflate = createInflateRaw();
  let checksum = 0;
  let sizeBytes = 0;
  // Errors of the input end the unpacking, and the loop over it throws them.
  const fed = input.feed(inflate).catch((error: unknown) => void inflate.destroy(error as Error));
  for await (const piece of inflate as AsyncIterable<Buffer>) {
    checksum = crc32(piece, checksum);
    sizeBytes = (sizeBytes + piece.length) % 2 ** 32;
    yield piece;
  }
  await fed;
  const trailer = Buffer.from(await input.take(TRAILER_BYTES));
  if (trailer.readUInt32LE(0) !== checksum || trailer.readUInt32LE(4) !== sizeBytes) {
    throw new FileError('the gzip data is damaged (its checksum is another one)');
  }
}

/** Bytes that come in chunks, to be taken in other portions. */
class ByteInput {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Up to `count` of the next bytes, which stay; fewer at the end. */
  async peek(count: number): Promise<Uint8Array> {
    while (this.#chunk.length < count) {
      const more = await this.#next();
      if (more === undefined) break;
      this.#chunk = Buffer.concat([this.#chunk, more]);
    }
    return this.#chunk.subarray(0, count);
  }

  /** @throws {FileError} if there are fewer */
  async take(count: number): Promise<Uint8Array> {
    const bytes = await this.peek(count);
    if (bytes.length < count) throw endsTooEarly();
    this.#chunk = this.#chunk.subarray(count);
    return bytes;
  }

  /** Takes text up to the zero byte that ends it. */
  async takeText(): Promise<void> {
    for (let length = 0; length < MAX_HEADER_TEXT_BYTES; length += 1) {
      if ((await this.take(1))[0] === 0) return;
    }
    throw new FileError('the gzip data is damaged (its header does not end)');
  }

  /** Passes over zero bytes; returns how many bytes of another kind are next at least: 0 at the end. */
  async skipZeros(): Promise<number> {
    for (;;) {
      const [first] = await this.peek(1);
      if (first === undefined) return 0;
      const place = this.#chunk.findIndex((byte) => byte !== 0);
      this.#chunk = this.#chunk.subarray(place === -1 ? this.#chunk.length : place);
      if (place !== -1) return 1;
    }
  }

  /** Feeds an unpacker up to the end of its data; what it leaves of the last chunk is next. */
  async feed(inflate: ReturnType<typeof createInflateRaw>): Promise<void> {
    let fedBytes = 0;
    for (;;) {
      const chunk = this.#chunk.length > 0 ? this.#chunk : await this.#next();
      this.#chunk = new Uint8Array(0);
      if (chunk === undefined) {
        inflate.end();
        return;
      }
      fedBytes += chunk.length;
      await new Promise<void>((resolve) => inflate.write(chunk, () => resolve()));
      const leftBytes = fedBytes - inflate.bytesWritten;
      if (leftBytes > 0 || inflate.destroyed) {
        this.#chunk = chunk.subarray(chunk.length - leftBytes);
        inflate.end();
        return;
      }
    }
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  async #next(): Promise<Uint8Array | undefined> {
    const { value, done } = await this.#chunks.next();
    return done === true ? undefined : value;
  }
}

function endsTooEarly(): FileError {
  return new FileError('the gzip data ends too early');
}
