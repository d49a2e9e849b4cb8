import { createInflateRaw, crc32 } from 'node:zlib';

/** A file cannot be read. The message is the reason, in one line, without the name of the file. */
export class FileError extends Error {
  override readonly name = 'FileError';
  readonly code = 'FILE_UNREADABLE';
  readonly retryable = false;
}

/** First bytes of every gzip member. */
const MAGIC = [0x1f, 0x8b] as const;

const DEFLATE = 8;
const HEADER_BYTES = 10;
const TRAILER_BYTES = 8;

/** Maximum length of a name or comment in a header; a longer one is treated as damage. */
const MAX_HEADER_TEXT_BYTES = 65_536;

/** Bits of the header's flags. */
const Flag = { checksum: 2, extra: 4, name: 8, comment: 16, reserved: 0b1110_0000 } as const;

/** Whether a file that begins with these bytes is gzip. */
export function isGzip(start: Uint8Array): boolean {
  return start.length >= 2 && start[0] === MAGIC[0] && start[1] === MAGIC[1];
}

/**
 * Decompresses gzip data as `gzip -d` does: any number of members, with zero bytes between and after them. Other bytes
 * after a member end the data and are ignored: `onTrailingBytes` is called once. Node's own `createGunzip` ends without an
 * error at the first zero byte and omits the members after it.
 *
 * @throws FileError if a member is damaged or truncated
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
    throw new FileError('the gzip data is damaged (unknown header)');
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
  // An error of the input destroys the stream, and the loop below throws it.
  const fed = input.feed(inflate).catch((error: unknown) => void inflate.destroy(error as Error));
  for await (const piece of inflate as AsyncIterable<Buffer>) {
    checksum = crc32(piece, checksum);
    sizeBytes = (sizeBytes + piece.length) % 2 ** 32;
    yield piece;
  }
  await fed;
  const trailer = Buffer.from(await input.take(TRAILER_BYTES));
  if (trailer.readUInt32LE(0) !== checksum || trailer.readUInt32LE(4) !== sizeBytes) {
    throw new FileError('the gzip data is damaged (checksum mismatch)');
  }
}

/** Reads a stream of chunks in portions of other sizes. */
class ByteInput {
  private readonly chunks: AsyncIterator<Uint8Array>;
  private chunk: Uint8Array = new Uint8Array(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.chunks = chunks[Symbol.asyncIterator]();
  }

  /** Returns up to `count` of the next bytes without consuming them; fewer at the end. */
  async peek(count: number): Promise<Uint8Array> {
    while (this.chunk.length < count) {
      const more = await this.next();
      if (more === undefined) break;
      this.chunk = Buffer.concat([this.chunk, more]);
    }
    return this.chunk.subarray(0, count);
  }

  /** Consumes `count` bytes. @throws FileError if there are fewer */
  async take(count: number): Promise<Uint8Array> {
    const bytes = await this.peek(count);
    if (bytes.length < count) throw truncated();
    this.chunk = this.chunk.subarray(count);
    return bytes;
  }

  /** Consumes a text that ends with a zero byte. */
  async takeText(): Promise<void> {
    for (let length = 0; length < MAX_HEADER_TEXT_BYTES; length += 1) {
      if ((await this.take(1))[0] === 0) return;
    }
    throw new FileError('the gzip data is damaged (unterminated header)');
  }

  /** Consumes zero bytes. Returns 0 at the end of the data, 1 if another byte follows. */
  async skipZeros(): Promise<number> {
    for (;;) {
      const [first] = await this.peek(1);
      if (first === undefined) return 0;
      const place = this.chunk.findIndex((byte) => byte !== 0);
      this.chunk = this.chunk.subarray(place === -1 ? this.chunk.length : place);
      if (place !== -1) return 1;
    }
  }

  /** Feeds a decompressor to the end of its data. The rest of the last chunk stays unconsumed. */
  async feed(inflate: ReturnType<typeof createInflateRaw>): Promise<void> {
    let fedBytes = 0;
    for (;;) {
      const chunk = this.chunk.length > 0 ? this.chunk : await this.next();
      this.chunk = new Uint8Array(0);
      if (chunk === undefined) {
        inflate.end();
        return;
      }
      fedBytes += chunk.length;
      await new Promise<void>((resolve) => inflate.write(chunk, () => resolve()));
      const leftBytes = fedBytes - inflate.bytesWritten;
      if (leftBytes > 0 || inflate.destroyed) {
        this.chunk = chunk.subarray(chunk.length - leftBytes);
        inflate.end();
        return;
      }
    }
  }

  async close(): Promise<void> {
    await this.chunks.return?.();
  }

  private async next(): Promise<Uint8Array | undefined> {
    const { value, done } = await this.chunks.next();
    return done === true ? undefined : value;
  }
}

function truncated(): FileError {
  return new FileError('the gzip data is truncated');
}
