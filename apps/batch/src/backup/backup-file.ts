import { BackupError } from './backup.errors.js';

/*
 * A backup is a gzip file. Its content:
 *
 *   backup  = header { section } end
 *   section = table-block { data-block } empty-block count-block
 *   block   = length (4 bytes, big-endian) content
 *
 * header, table-block, count-block and end are JSON. The data of a table is the text format of COPY, which all versions of
 * PostgreSQL read. gzip has a checksum of the content; a backup without its end is not complete.
 */

const LENGTH_BYTES = 4;
/** Maximum length of a block: COPY sends a row at a time, and no row is nearly that large. */
const MAX_BLOCK_BYTES = 64 * 1024 * 1024;

export const FORMAT = 'hailstream-backup';
export const FORMAT_VERSION = 1;

export interface BackupHeader {
  readonly format: typeof FORMAT;
  readonly version: typeof FORMAT_VERSION;
  /** ISO 8601. */
  readonly createdAt: string;
  /** Version of the server, for example 18.4. */
  readonly postgres: string;
  /** Numbers of the applied migrations, ascending. */
  readonly migrations: readonly number[];
}

/** A table with rows of its own: a partition, or a table without partitions. */
export interface StoredTable {
  /** Without the schema, which is `ride`. */
  readonly name: string;
  readonly columns: readonly string[];
  /** For a partition: its parent, and its bounds as in `ATTACH PARTITION parent …`. */
  readonly partition?: { readonly of: string; readonly bounds: string };
  /** For each identity column, the state of its sequence. */
  readonly identities: readonly IdentityState[];
}

export interface IdentityState {
  readonly column: string;
  /** Decimal. */
  readonly lastValue: string;
  readonly isCalled: boolean;
}

/** A block of a number of bytes, or of JSON. */
export function blockOf(content: Uint8Array | object): Buffer {
  const bytes = content instanceof Uint8Array ? content : Buffer.from(JSON.stringify(content));
  const block = Buffer.allocUnsafe(LENGTH_BYTES + bytes.length);
  block.writeUInt32BE(bytes.length);
  block.set(bytes, LENGTH_BYTES);
  return block;
}

/** Reads the blocks of a decompressed backup. */
export class BlockReader {
  private readonly source: AsyncIterator<Buffer>;
  private rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.source = source[Symbol.asyncIterator]();
  }

  /** The content of the next block. @throws BackupError if the file ends before, or is not a backup */
  async next(): Promise<Buffer> {
    const length = (await this.take(LENGTH_BYTES)).readUInt32BE();
    if (length > MAX_BLOCK_BYTES) throw damaged(`a block has ${length} bytes`);
    return this.take(length);
  }

  /** The next block as JSON. */
  async nextJson(): Promise<unknown> {
    const text = (await this.next()).toString();
    try {
      return JSON.parse(text);
    } catch (error) {
      throw damaged('a block is not JSON', error);
    }
  }

  /** The blocks up to the next empty one. */
  async *untilEmpty(): AsyncGenerator<Buffer> {
    for (let block = await this.next(); block.length > 0; block = await this.next()) yield block;
  }

  /** Reads to the end of the file, so that its checksum is compared. @throws BackupError if there is more content */
  async end(): Promise<void> {
    const { done } = await this.source.next();
    if (this.rest.length > 0 || done !== true) throw damaged('there is content after its end');
  }

  private async take(length: number): Promise<Buffer> {
    const parts = [this.rest];
    let size = this.rest.length;
    while (size < length) {
      const { value, done } = await this.source.next();
      if (done === true) throw damaged('it ends too early');
      parts.push(value);
      size += value.length;
    }
    const all = parts.length === 1 ? this.rest : Buffer.concat(parts, size);
    this.rest = all.subarray(length);
    return all.subarray(0, length);
  }
}

/** @throws BackupError if the file is not a backup of this format */
export function checkHeader(header: unknown): BackupHeader {
  const { format, version } = (header ?? {}) as Partial<Record<keyof BackupHeader, unknown>>;
  if (format !== FORMAT) throw new BackupError('the file is not a backup of batch');
  if (version !== FORMAT_VERSION) {
    throw new BackupError(
      `the backup has version ${String(version)} of the format, expected ${FORMAT_VERSION}: use the release that wrote it`,
    );
  }
  return header as BackupHeader;
}

export function damaged(how: string, cause?: unknown): BackupError {
  return new BackupError(`the backup is damaged: ${how}`, { cause });
}
