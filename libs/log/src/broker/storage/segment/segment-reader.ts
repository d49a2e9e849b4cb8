import {
  BATCH_HEADER_BYTES,
  batchLastOffset,
  batchSizeBytes,
  readBatchHeader,
  type BatchHeader,
} from '../../../protocol/record-batch.js';
import type { SegmentFile } from './segment-file.js';
import { INDEX_INTERVAL_BYTES, type SegmentIndexes } from './segment-indexes.js';

const CHUNK_BYTES = 1 << 20;
/** Two index intervals: most searches for an offset end in the first chunk they read. */
const SEARCH_CHUNK_BYTES = 2 * INDEX_INTERVAL_BYTES;
/** Readers of a segment whose position is remembered. */
const MAX_NEXT_READS = 16;

/** Finds and reads the batches of a segment. */
export class SegmentReader {
  /** Positions of the batches after those read last, by the offset that their readers fetch next; oldest first. */
  private readonly nextReads = new Map<bigint, number>();

  constructor(
    private readonly file: SegmentFile,
    private readonly indexes: SegmentIndexes,
  ) {}

  /** See `Segment.read`. */
  async read(
    offset: bigint,
    maxBytes: number,
    atLeastOne: boolean,
    allocate: (length: number) => Buffer,
  ): Promise<Buffer | undefined> {
    const position = this.nextReads.get(offset) ?? (await this.search(offset));
    const available = this.file.sizeBytes - position;
    if (available <= 0) return undefined;
    const sizeToRead = Math.min(Math.max(maxBytes, atLeastOne ? BATCH_HEADER_BYTES : 0), available);
    const bytes = await this.file.readInto(allocate(sizeToRead), position);
    const { sizeBytes, lastAt } = wholeBatches(bytes);
    if (sizeBytes === 0 && atLeastOne) {
      return this.file.readInto(allocate(batchSizeBytes(bytes)), position);
    }
    if (sizeBytes > 0) this.rememberNextRead(batchLastOffset(bytes, lastAt) + 1n, position + sizeBytes);
    return bytes.subarray(0, sizeBytes);
  }

  /** Headers and positions of the batches from the one that contains `offset` on. */
  async *headersFrom(offset: bigint): AsyncGenerator<{ header: BatchHeader; position: number }> {
    let at = await this.search(offset);
    while (at + BATCH_HEADER_BYTES <= this.file.sizeBytes) {
      const chunk = await this.readChunk(at, SEARCH_CHUNK_BYTES);
      let inChunk = 0;
      while (inChunk + BATCH_HEADER_BYTES <= chunk.length) {
        const header = readBatchHeader(chunk, inChunk);
        yield { header, position: at + inChunk };
        inChunk += header.sizeBytes;
      }
      at += inChunk;
    }
  }

  /** Whole batches with a record at or after `timestamp` and a record at or after offset `from`. */
  async *batchesAtTime(timestamp: bigint, from: bigint): AsyncGenerator<Buffer> {
    if (this.indexes.maxTimestamp < timestamp) return;
    const release = this.file.hold();
    try {
      const indexed = this.indexes.offsetBefore(timestamp);
      for await (const { header, position } of this.headersFrom(indexed > from ? indexed : from)) {
        if (header.maxTimestamp >= timestamp) yield await this.batchAt(header, position);
      }
    } finally {
      release();
    }
  }

  /** All batches from the one that contains `offset` on, about a megabyte of them at a time. */
  async *batchesFrom(offset: bigint): AsyncGenerator<Buffer[]> {
    let at = await this.search(offset);
    while (at < this.file.sizeBytes) {
      let chunk = await this.readChunk(at, CHUNK_BYTES);
      if (batchSizeBytes(chunk) > chunk.length) {
        chunk = await this.file.readExactly(at, batchSizeBytes(chunk));
      }
      const batches: Buffer[] = [];
      let inChunk = 0;
      while (inChunk + BATCH_HEADER_BYTES <= chunk.length) {
        const end = inChunk + batchSizeBytes(chunk, inChunk);
        if (end > chunk.length) break;
        batches.push(chunk.subarray(inChunk, end));
        inChunk = end;
      }
      yield batches;
      at += inChunk;
    }
  }

  batchAt({ sizeBytes }: BatchHeader, position: number): Promise<Buffer> {
    return this.file.readExactly(position, sizeBytes);
  }

  private readChunk(position: number, maxBytes: number): Promise<Buffer> {
    return this.file.readExactly(position, Math.min(maxBytes, this.file.sizeBytes - position));
  }

  /** A reader that continues at this offset needs no index and no search. */
  private rememberNextRead(nextOffset: bigint, position: number): void {
    this.nextReads.set(nextOffset, position);
    if (this.nextReads.size <= MAX_NEXT_READS) return;
    for (const oldest of this.nextReads.keys()) {
      this.nextReads.delete(oldest);
      return;
    }
  }

  /** Position of the first batch whose last offset is at or after `offset`; the end of the segment if there is none. */
  private async search(offset: bigint): Promise<number> {
    let at = this.indexes.positionBefore(offset);
    while (at < this.file.sizeBytes) {
      const chunk = await this.readChunk(at, SEARCH_CHUNK_BYTES);
      let inChunk = 0;
      while (inChunk + BATCH_HEADER_BYTES <= chunk.length) {
        if (batchLastOffset(chunk, inChunk) >= offset) return at + inChunk;
        inChunk += batchSizeBytes(chunk, inChunk);
      }
      at += inChunk;
    }
    return at;
  }
}

/** Bytes of `buffer` that are whole batches, and the position of the last of these. */
function wholeBatches(buffer: Buffer): { sizeBytes: number; lastAt: number } {
  let at = 0;
  let lastAt = 0;
  while (at + BATCH_HEADER_BYTES <= buffer.length) {
    const sizeBytes = batchSizeBytes(buffer, at);
    if (at + sizeBytes > buffer.length) break;
    lastAt = at;
    at += sizeBytes;
  }
  return { sizeBytes: at, lastAt };
}
