const FIRST_ENTRIES = 64;

/** An index of a segment: entries of a fixed size in a growing buffer, in the format of the index file. */
export abstract class EntryBuffer {
  private buffer: Buffer;
  private usedBytes: number;
  private persistedBytes: number;

  constructor(
    private readonly entryBytes: number,
    contents: Buffer | undefined,
  ) {
    this.buffer = contents ?? Buffer.allocUnsafe(entryBytes * FIRST_ENTRIES);
    this.usedBytes = contents?.length ?? 0;
    this.persistedBytes = this.usedBytes;
  }

  get count(): number {
    return this.usedBytes / this.entryBytes;
  }

  get unpersistedBytes(): number {
    return this.usedBytes - this.persistedBytes;
  }

  /** Releases the memory for further entries. */
  trim(): void {
    if (this.buffer.length > this.usedBytes) this.resize(this.usedBytes);
  }

  /** Entries that are not in the file yet, and their position in it. */
  unpersisted(): { bytes: Buffer; at: number } {
    const at = this.persistedBytes;
    return { bytes: this.buffer.subarray(at, this.usedBytes), at };
  }

  /** The entries before this position are in the file. */
  markPersisted(upToBytes: number): void {
    this.persistedBytes = upToBytes;
  }

  /** Allocates an entry. @returns the buffer and the position of the entry */
  protected next(): { buffer: Buffer; at: number } {
    if (this.usedBytes + this.entryBytes > this.buffer.length) {
      this.resize(Math.max(this.buffer.length * 2, this.entryBytes * FIRST_ENTRIES));
    }
    const at = this.usedBytes;
    this.usedBytes += this.entryBytes;
    return { buffer: this.buffer, at };
  }

  protected entry(index: number): { buffer: Buffer; at: number } {
    return { buffer: this.buffer, at: index * this.entryBytes };
  }

  /** Outside Node's pool of buffers: an index that lives as long as its segment would keep a whole slab of the pool. */
  private resize(bytes: number): void {
    const resized = Buffer.allocUnsafeSlow(bytes);
    this.buffer.copy(resized, 0, 0, this.usedBytes);
    this.buffer = resized;
  }
}

/** Finds the greatest index below `count` whose entry is not after the target. @returns -1 if there is none */
export function lastNotAfter(count: number, isAfter: (index: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isAfter(middle)) high = middle;
    else low = middle + 1;
  }
  return low - 1;
}
