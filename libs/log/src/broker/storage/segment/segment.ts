import * as path from 'node:path';
import {
  BATCH_HEADER_BYTES,
  batchLastOffset,
  batchMaxTimestamp,
  batchSizeBytes,
  readBatchHeader,
  type BatchHeader,
} from '../../../protocol/record-batch.js';
import { readMarker, type Marker } from '../../../protocol/markers.js';
import { intactBatches, wholeBatches } from './batches-in.js';
import type { FileSystem, LogFile } from '../files/file-system.js';
import { OffsetIndex, TimeIndex } from './sparse-index.js';
import { TransactionIndex } from './transaction-index.js';

/** Bytes of log between two index entries, at least. */
const INDEX_INTERVAL_BYTES = 4096;
const SCAN_CHUNK_BYTES = 1 << 20;
/** Bytes at the end of what is appended to that the system keeps in memory, unless it runs short of it. */
const CACHED_BYTES = 4 << 20;
/** Readers of a segment whose place is remembered. */
const MAX_NEXT_READS = 16;
const NO_TIMESTAMP = -1n;

/** Name of a segment's files without the suffix, as Kafka writes it. */
export function segmentName(baseOffset: bigint): string {
  return String(baseOffset).padStart(20, '0');
}

/** A batch that an append writes, with where its records go. */
export interface PlacedBatch {
  readonly bytes: Buffer;
  readonly baseOffset: bigint;
  readonly lastOffset: bigint;
  readonly maxTimestamp: bigint;
}

/** What a scan found. */
export interface ScanResult {
  /** Where the first bad byte is, if any. */
  readonly damagedAt: number | undefined;
  readonly nextOffset: bigint;
}

/** Told of each good batch that a scan finds, in order; a control batch comes with what it says. */
export type BatchVisitor = (header: BatchHeader, marker: Marker | undefined) => void;

/** A segment's file is shorter than the log knows it to be: something else has cut it. */
export class SegmentDamagedError extends Error {
  override readonly name = 'SegmentDamagedError';
}

/** One file of the log with its indexes. Its owner appends from one place at a time. */
export class Segment {
  /** Bytes that are whole batches, written (and synced, where asked) and so may be read. */
  sizeBytes = 0;
  maxTimestamp = NO_TIMESTAMP;
  private offsetOfMaxTimestamp = 0n;
  private bytesSinceIndexEntry = 0;
  offsetIndex = new OffsetIndex();
  timeIndex = new TimeIndex();
  transactionIndex = new TransactionIndex();
  /** Since when bytes wait for a sync to begin, in milliseconds of monotonic time; undefined where none do. */
  private unsyncedSinceMs: number | undefined;
  /** When the first batch was appended, or the segment opened, in milliseconds of monotonic time. */
  private beganAtMs = performance.now();
  private syncsUnderWay = 0;
  private holders = 0;
  private onReleased: (() => void) | undefined;
  private closing: Promise<void> | undefined;
  /** Whether a failed append may have left bytes past the end that are not cut off yet. */
  private untrimmed = false;
  /** Index files are written by one at a time. */
  private indexWrites: Promise<void> = Promise.resolve();
  /** Whether the folder was synced since the file got its name. */
  private nameIsSafe = false;
  /** Start of what was written a moment ago, and so is in the system's memory. */
  private cachedFrom = Number.POSITIVE_INFINITY;
  private firstTimestampSeen: bigint | undefined;
  /** Where the batch after a read starts, by the offset that its reader asks for next; oldest first. */
  private readonly nextReads = new Map<bigint, number>();

  private constructor(
    readonly baseOffset: bigint,
    private readonly files: FileSystem,
    private readonly folder: string,
    private readonly file: LogFile,
    /** When the first batch was appended, in milliseconds, by the broker's clock. */
    public createdAtMs: number,
  ) {}

  /** @param options.suffix of the file, where it is not to be found as a part of the log yet */
  static async open(options: {
    files: FileSystem;
    folder: string;
    baseOffset: bigint;
    nowMs: number;
    suffix?: string;
  }): Promise<Segment> {
    const { files, folder, baseOffset, nowMs, suffix = '.log' } = options;
    const file = await files.open(path.join(folder, `${segmentName(baseOffset)}${suffix}`));
    return new Segment(baseOffset, files, folder, file, nowMs);
  }

  /** The largest timestamp of the first batch: by it Kafka tells how old a segment is. */
  async firstTimestamp(): Promise<bigint | undefined> {
    if (this.firstTimestampSeen === undefined && this.sizeBytes > 0) {
      this.firstTimestampSeen = batchMaxTimestamp(await this.readExactly(0, BATCH_HEADER_BYTES));
    }
    return this.firstTimestampSeen;
  }

  /** How much later than the first batch the next one is: by their timestamps, else by monotonic time; in milliseconds. */
  async ageAt(next: PlacedBatch): Promise<number> {
    const first = await this.firstTimestamp();
    if (first === undefined || first < 0n) return performance.now() - this.beganAtMs;
    return Number(next.maxTimestamp - first);
  }

  /** Writes batches at the end. On failure the segment is as before, but for bytes past its end. */
  async append(
    batches: readonly PlacedBatch[],
    { sync, nowMs }: { sync: boolean; nowMs: number },
  ): Promise<void> {
    // Behind what is written now, whole batches that were refused would be taken for good ones.
    if (this.untrimmed) await this.trim();
    this.untrimmed = true;
    await this.file.write(
      batches.map((batch) => batch.bytes),
      this.sizeBytes,
    );
    this.unsyncedSinceMs ??= performance.now();
    if (this.sizeBytes === 0) {
      this.createdAtMs = nowMs;
      this.beganAtMs = performance.now();
    }
    if (sync) await this.sync();
    this.untrimmed = false;
    this.cachedFrom = Math.max(Math.min(this.cachedFrom, this.sizeBytes), this.sizeBytes - CACHED_BYTES);
    for (const batch of batches) this.note(batch, batch.bytes.length);
  }

  /** Cuts off what a failed append may have left. */
  async trim(): Promise<void> {
    await this.file.truncate(this.sizeBytes);
    this.untrimmed = false;
  }

  /** Brings to disk what was written before the call. */
  async sync(): Promise<void> {
    const since = this.unsyncedSinceMs;
    this.unsyncedSinceMs = undefined;
    this.syncsUnderWay++;
    try {
      await this.file.sync();
      if (!this.nameIsSafe) await this.files.syncFolder(this.folder);
      this.nameIsSafe = true;
    } catch (error) {
      this.unsyncedSinceMs = since ?? this.unsyncedSinceMs;
      throw error;
    } finally {
      this.syncsUnderWay--;
    }
  }

  /** Whether bytes were written that no sync has covered yet. */
  get dirty(): boolean {
    return this.unsyncedSinceMs !== undefined || this.syncsUnderWay > 0;
  }

  /** Since when bytes wait for a sync, in milliseconds of monotonic time. */
  get dirtySinceMs(): number | undefined {
    return this.unsyncedSinceMs;
  }

  private note(batch: Omit<PlacedBatch, 'bytes'>, sizeBytes: number): void {
    if (this.sizeBytes === 0) this.firstTimestampSeen = batch.maxTimestamp;
    const lastRelative = Number(batch.lastOffset - this.baseOffset);
    if (batch.maxTimestamp > this.maxTimestamp) {
      this.maxTimestamp = batch.maxTimestamp;
      this.offsetOfMaxTimestamp = batch.lastOffset;
    }
    if (this.bytesSinceIndexEntry > INDEX_INTERVAL_BYTES) {
      this.offsetIndex.append(lastRelative, this.sizeBytes);
      this.timeIndex.append(this.maxTimestamp, Number(this.offsetOfMaxTimestamp - this.baseOffset));
      this.bytesSinceIndexEntry = 0;
    }
    this.bytesSinceIndexEntry += sizeBytes;
    this.sizeBytes += sizeBytes;
  }

  /**
   * Reads whole batches from the one that holds `offset` on (or the first after it), at most `maxBytes` of them; with
   * `atLeastOne` the first is returned whatever its size.
   *
   * @returns an empty buffer if the next batch does not fit, undefined if the segment has no batch at or after `offset`
   * @throws SegmentDamagedError
   */
  async read(
    offset: bigint,
    maxBytes: number,
    atLeastOne: boolean,
    allocate: (length: number) => Buffer = Buffer.allocUnsafe,
  ): Promise<Buffer | undefined> {
    const release = this.hold();
    try {
      return await this.readHeld(offset, maxBytes, atLeastOne, allocate);
    } finally {
      release();
    }
  }

  /** Keeps the files open, whatever becomes of the segment. @returns what lets go of them, to be called once */
  hold(): () => void {
    this.holders++;
    return () => {
      this.holders--;
      if (this.holders === 0) this.onReleased?.();
    };
  }

  private async readHeld(
    offset: bigint,
    maxBytes: number,
    atLeastOne: boolean,
    allocate: (length: number) => Buffer,
  ): Promise<Buffer | undefined> {
    const position = this.nextReads.get(offset) ?? (await this.search(offset));
    const available = this.sizeBytes - position;
    if (available <= 0) return undefined;
    const wanted = Math.min(Math.max(maxBytes, atLeastOne ? BATCH_HEADER_BYTES : 0), available);
    const bytes = await this.readInto(allocate(wanted), position);
    const { sizeBytes, lastAt } = wholeBatches(bytes);
    if (sizeBytes === 0 && atLeastOne) {
      return this.readInto(allocate(batchSizeBytes(bytes)), position);
    }
    if (sizeBytes > 0) this.noteRead(batchLastOffset(bytes, lastAt) + 1n, position + sizeBytes);
    return bytes.subarray(0, sizeBytes);
  }

  /** A reader that goes on where it was needs no index and no walk. */
  private noteRead(nextOffset: bigint, position: number): void {
    this.nextReads.set(nextOffset, position);
    if (this.nextReads.size <= MAX_NEXT_READS) return;
    for (const oldest of this.nextReads.keys()) {
      this.nextReads.delete(oldest);
      return;
    }
  }

  private search(offset: bigint): Promise<number> {
    return this.positionOf(this.offsetIndex.lookUp(Number(offset - this.baseOffset)), offset);
  }

  /** Walks batch headers from `position` to the first batch whose last offset is not before `offset`. */
  private async positionOf(position: number, offset: bigint): Promise<number> {
    let at = position;
    while (at < this.sizeBytes) {
      const chunk = await this.readExactly(at, Math.min(WALK_CHUNK_BYTES, this.sizeBytes - at));
      let inChunk = 0;
      while (inChunk + BATCH_HEADER_BYTES <= chunk.length) {
        if (batchLastOffset(chunk, inChunk) >= offset) return at + inChunk;
        inChunk += batchSizeBytes(chunk, inChunk);
      }
      at += inChunk;
    }
    return at;
  }

  /** Headers and positions of the batches from the one that holds `offset` on. */
  async *headersFrom(offset: bigint): AsyncGenerator<{ header: BatchHeader; position: number }> {
    let at = await this.search(offset);
    while (at + BATCH_HEADER_BYTES <= this.sizeBytes) {
      const chunk = await this.readExactly(at, Math.min(WALK_CHUNK_BYTES, this.sizeBytes - at));
      let inChunk = 0;
      while (inChunk + BATCH_HEADER_BYTES <= chunk.length) {
        const header = readBatchHeader(chunk, inChunk);
        yield { header, position: at + inChunk };
        inChunk += header.sizeBytes;
      }
      at += inChunk;
    }
  }

  /** Batches, whole, that have a record with this timestamp or a later one, and one of offset `from` or a later one. */
  async *batchesAtTime(timestamp: bigint, from: bigint): AsyncGenerator<Buffer> {
    if (this.maxTimestamp < timestamp) return;
    const release = this.hold();
    try {
      const indexed = this.baseOffset + BigInt(this.timeIndex.lookUp(timestamp));
      for await (const { header, position } of this.headersFrom(indexed > from ? indexed : from)) {
        if (header.maxTimestamp >= timestamp) yield await this.readExactly(position, header.sizeBytes);
      }
    } finally {
      release();
    }
  }

  /** All batches from the one that holds `offset` on, many at a time. */
  async *batchesFrom(offset: bigint): AsyncGenerator<Buffer[]> {
    let at = await this.search(offset);
    while (at < this.sizeBytes) {
      let chunk = await this.readExactly(at, Math.min(SCAN_CHUNK_BYTES, this.sizeBytes - at));
      if (batchSizeBytes(chunk) > chunk.length) chunk = await this.readExactly(at, batchSizeBytes(chunk));
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

  /** @throws SegmentDamagedError */
  async readExactly(position: number, length: number): Promise<Buffer> {
    return this.readInto(Buffer.allocUnsafe(length), position);
  }

  private async readInto(buffer: Buffer, position: number): Promise<Buffer> {
    const filled = await this.file.read(buffer, position, position >= this.cachedFrom);
    if (filled === buffer.length) return buffer;
    throw new SegmentDamagedError(
      `${this.pathOf('log')} ends at byte ${position + filled}, expected at least ${position + buffer.length}`,
    );
  }

  /**
   * Checks every batch by length, offsets and CRC, makes the indexes again, but for that of aborted transactions which
   * is `visit`'s to fill, and hands each good batch's header over. Stops at the first bad byte and leaves the segment
   * ending there. Base offsets are outside the CRC: where there are no `gaps`, as compaction leaves them, each must be
   * the one that comes next.
   */
  async scan(gaps: boolean, visit: BatchVisitor): Promise<ScanResult> {
    const fileBytes = await this.file.sizeBytes();
    // A process that was killed may not have come to sync them.
    if (fileBytes > 0) this.unsyncedSinceMs ??= performance.now();
    this.sizeBytes = 0;
    this.maxTimestamp = NO_TIMESTAMP;
    this.bytesSinceIndexEntry = 0;
    this.offsetIndex = new OffsetIndex();
    this.timeIndex = new TimeIndex();
    this.transactionIndex = new TransactionIndex();
    let nextOffset = this.baseOffset;
    while (this.sizeBytes < fileBytes) {
      const chunk = await this.readExactly(
        this.sizeBytes,
        Math.min(SCAN_CHUNK_BYTES, fileBytes - this.sizeBytes),
      );
      const before = this.sizeBytes;
      for (const header of intactBatches(chunk, nextOffset, gaps)) {
        const at = this.sizeBytes - before;
        visit(header, header.control ? readMarker(chunk.subarray(at, at + header.sizeBytes)) : undefined);
        this.note(header, header.sizeBytes);
        nextOffset = header.lastOffset + 1n;
      }
      if (this.sizeBytes > before) continue;
      const large = await this.scanLargeBatch(chunk, { fileBytes, nextOffset, gaps });
      if (large === undefined) return { damagedAt: this.sizeBytes, nextOffset };
      visit(large, undefined);
      this.note(large, large.sizeBytes);
      nextOffset = large.lastOffset + 1n;
    }
    return { damagedAt: undefined, nextOffset };
  }

  /** A batch that is longer than a chunk. */
  private async scanLargeBatch(
    chunk: Buffer,
    { fileBytes, nextOffset, gaps }: { fileBytes: number; nextOffset: bigint; gaps: boolean },
  ): Promise<BatchHeader | undefined> {
    if (chunk.length < BATCH_HEADER_BYTES) return undefined;
    const sizeBytes = batchSizeBytes(chunk);
    if (sizeBytes <= chunk.length || this.sizeBytes + sizeBytes > fileBytes) return undefined;
    const [header] = intactBatches(await this.readExactly(this.sizeBytes, sizeBytes), nextOffset, gaps);
    return header;
  }

  /**
   * Takes size and indexes from the files, for a segment that needs no check.
   *
   * @returns false where an index is missing or can't be right: then `scan` it
   */
  async trust(): Promise<boolean> {
    this.sizeBytes = await this.file.sizeBytes();
    const [offsets, times, aborted] = await Promise.all([
      this.files.readFile(this.pathOf('index')),
      this.files.readFile(this.pathOf('timeindex')),
      this.files.readFile(this.pathOf('txnindex')),
    ]);
    const offsetIndex = offsets && OffsetIndex.parse(offsets, this.sizeBytes);
    const timeIndex = times && TimeIndex.parse(times);
    const transactionIndex = aborted && TransactionIndex.parse(aborted, this.baseOffset);
    const last = timeIndex?.last();
    if (offsetIndex === undefined || timeIndex === undefined || transactionIndex === undefined) return false;
    if (last === undefined && this.sizeBytes > 0) return false;
    this.offsetIndex = offsetIndex;
    this.timeIndex = timeIndex;
    this.transactionIndex = transactionIndex;
    this.maxTimestamp = last?.timestamp ?? NO_TIMESTAMP;
    this.offsetOfMaxTimestamp = this.baseOffset + BigInt(last?.relativeOffset ?? 0);
    return true;
  }

  /**
   * Checks the last batches of a trusted segment, at least `tailBytes` of them.
   *
   * @returns the offset after the last, or undefined where anything is wrong: then `scan` it
   */
  async checkTail(tailBytes: number): Promise<bigint | undefined> {
    let at = this.offsetIndex.lastPositionBefore(Math.max(this.sizeBytes - tailBytes, 0));
    let nextOffset = this.baseOffset;
    while (at < this.sizeBytes) {
      const chunk = await this.readExactly(at, Math.min(SCAN_CHUNK_BYTES, this.sizeBytes - at));
      let inChunk = 0;
      for (const header of intactBatches(chunk, nextOffset, true)) {
        nextOffset = header.lastOffset + 1n;
        inChunk += header.sizeBytes;
      }
      if (inChunk === 0) return undefined;
      at += inChunk;
    }
    return nextOffset;
  }

  /** Ends the segment: its last timestamp goes to the index, the indexes and everything else to disk. */
  async seal(): Promise<void> {
    if (this.untrimmed) await this.trim();
    if (this.sizeBytes > 0) {
      this.timeIndex.append(this.maxTimestamp, Number(this.offsetOfMaxTimestamp - this.baseOffset));
    }
    // Those of a sealed segment are taken as they are.
    await this.persistIndexes({ sync: true });
    await this.sync();
  }

  /** Writes index entries that their files don't have yet. */
  async persistIndexes(how: { sync: boolean }): Promise<void> {
    const written = this.indexWrites.then(() => this.writeIndexes(how));
    this.indexWrites = written.catch(() => undefined);
    await written;
  }

  private async writeIndexes({ sync }: { sync: boolean }): Promise<void> {
    for (const [suffix, index] of [
      ['index', this.offsetIndex],
      ['timeindex', this.timeIndex],
      ['txnindex', this.transactionIndex],
    ] as const) {
      const { bytes, at } = index.unpersisted();
      const file = await this.files.open(this.pathOf(suffix));
      try {
        await file.write([bytes], at);
        await file.truncate(at + bytes.length);
        if (sync) await file.sync();
        index.markPersisted(at + bytes.length);
      } finally {
        await file.close();
      }
    }
  }

  /** Closes once nobody reads any longer: a reader takes several steps, and the number of its file may be given away. */
  async close(): Promise<void> {
    this.closing ??= this.closeReleased();
    await this.closing;
  }

  private async closeReleased(): Promise<void> {
    if (this.holders > 0) {
      await new Promise<void>((resolve) => {
        this.onReleased = resolve;
      });
    }
    await this.file.close();
  }

  async remove(): Promise<void> {
    await this.close();
    await removeSegmentFiles(this.files, this.folder, this.baseOffset);
  }

  private pathOf(suffix: string): string {
    return path.join(this.folder, `${segmentName(this.baseOffset)}.${suffix}`);
  }
}

/** Removes all files of a segment, those that are derived from it last. */
export async function removeSegmentFiles(
  files: FileSystem,
  folder: string,
  baseOffset: bigint,
): Promise<void> {
  for (const suffix of ['log', ...DERIVED_SUFFIXES, 'snapshot']) {
    await files.remove(path.join(folder, `${segmentName(baseOffset)}.${suffix}`));
  }
}

/** Files that are made again from the segment's log where they are missing. */
export const DERIVED_SUFFIXES = ['index', 'timeindex', 'txnindex'] as const;

/** Two index intervals: most walks to an offset end in their first read. */
const WALK_CHUNK_BYTES = 2 * INDEX_INTERVAL_BYTES;
