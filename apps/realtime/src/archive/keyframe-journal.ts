import { open, readFile, rename, rm, type FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';

/** Length and checksum of an entry. */
const PREFIX_BYTES = 8;

/** The journal is rewritten once it is this much larger than after it was last rewritten, and at least this large. */
const REWRITE_FACTOR = 2;
const MIN_REWRITE_BYTES = 16_777_216;

/**
 * A file of entries that are appended: one per keyframe, with what the index of the log has gained since the keyframe before.
 *
 * Journal => [length crc entry]
 *   length => UINT32, of the entry
 *   crc => UINT32, CRC-32 of the entry
 */
export class KeyframeJournal {
  private handle: FileHandle | null = null;
  /** Up to here, the entries are those of keyframes. */
  private endsAt = 0;
  private rewrittenBytes = 0;

  constructor(private readonly file: string) {}

  /** Returns the entries up to the first one that is incomplete or damaged, with the offset after each. */
  async open(): Promise<{ readonly entry: Buffer; readonly end: number }[]> {
    await this.close();
    const bytes = await readFile(this.file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return Buffer.alloc(0);
      throw error;
    });
    const entries: { entry: Buffer; end: number }[] = [];
    for (let at = 0; at + PREFIX_BYTES <= bytes.length;) {
      const start = at + PREFIX_BYTES;
      const end = start + bytes.readUInt32BE(at);
      const entry = bytes.subarray(start, end);
      if (end > bytes.length || crc32(entry) !== bytes.readUInt32BE(at + 4)) break;
      entries.push({ entry, end });
      at = end;
    }
    this.handle = await open(this.file, 'a+');
    return entries;
  }

  /** Drops the entries after this offset. */
  async truncate(end: number): Promise<void> {
    await this.requireOpen().truncate(end);
    this.endsAt = end;
  }

  /** Appends an entry, which replaces one that was not confirmed. Returns the function that confirms it. */
  async append(entry: Buffer): Promise<() => void> {
    await this.truncate(this.endsAt);
    await this.requireOpen().appendFile(framed(entry));
    await this.requireOpen().sync();
    const end = this.endsAt + PREFIX_BYTES + entry.length;
    return () => {
      this.endsAt = end;
    };
  }

  get needsRewrite(): boolean {
    return this.endsAt > MIN_REWRITE_BYTES && this.endsAt > this.rewrittenBytes * REWRITE_FACTOR;
  }

  /** Replaces all entries by one. */
  async rewrite(entry: Buffer): Promise<void> {
    const temporary = `${this.file}.tmp`;
    const handle = await open(temporary, 'w');
    try {
      await handle.writeFile(framed(entry));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, this.file);
    await this.close();
    this.handle = await open(this.file, 'a+');
    this.endsAt = PREFIX_BYTES + entry.length;
    this.rewrittenBytes = this.endsAt;
  }

  /** Removes the file; {@link open} creates it again. */
  async remove(): Promise<void> {
    await this.close();
    await rm(this.file, { force: true });
    this.endsAt = 0;
  }

  async close(): Promise<void> {
    await this.handle?.close();
    this.handle = null;
  }

  private requireOpen(): FileHandle {
    if (this.handle === null) throw new Error('the journal is not open');
    return this.handle;
  }
}

function framed(entry: Buffer): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(entry.length);
  prefix.writeUInt32BE(crc32(entry), 4);
  return Buffer.concat([prefix, entry]);
}
