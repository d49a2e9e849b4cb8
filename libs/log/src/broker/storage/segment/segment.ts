import { batchMaxTimestamp, BATCH_HEADER_BYTES } from '../../../protocol/record-batch.js';
import type { FileSystem } from '../files/file-system.js';
import { SegmentFile } from './segment-file.js';
import { removeSegmentFiles, segmentName } from './segment-files.js';
import { SegmentIndexes } from './segment-indexes.js';
import { SegmentReader } from './segment-reader.js';
import { scanBatches, scanTail, type BatchVisitor, type ScanResult } from './segment-scan.js';
import type { TransactionIndex } from './transaction-index.js';

/** A batch to append, with the offsets that were assigned to it. */
export interface PlacedBatch {
  readonly bytes: Buffer;
  readonly baseOffset: bigint;
  readonly lastOffset: bigint;
  readonly maxTimestamp: bigint;
}

/** A segment of a log: a file of record batches, and its indexes. Appends are not concurrent. */
export class Segment {
  /** Finds and reads batches. Callers that read in several steps hold the segment meanwhile. */
  readonly reader: SegmentReader;
  private readonly indexes: SegmentIndexes;
  /** Monotonic time of the first append, or of opening, in milliseconds. */
  private beganAtMs = performance.now();
  private firstBatchTimestamp: bigint | undefined;

  private constructor(
    readonly baseOffset: bigint,
    private readonly files: FileSystem,
    private readonly folder: string,
    private readonly file: SegmentFile,
    /** Time of the first append by the clock of the broker, in milliseconds. */
    public createdAtMs: number,
  ) {
    this.indexes = new SegmentIndexes(files, folder, baseOffset);
    this.reader = new SegmentReader(file, this.indexes);
  }

  /** @param options.suffix of the file, if it is not part of the log yet */
  static async open(options: {
    files: FileSystem;
    folder: string;
    baseOffset: bigint;
    nowMs: number;
    suffix?: string;
  }): Promise<Segment> {
    const { files, folder, baseOffset, nowMs, suffix = '.log' } = options;
    const file = await SegmentFile.open(files, folder, `${segmentName(baseOffset)}${suffix}`);
    return new Segment(baseOffset, files, folder, file, nowMs);
  }

  /** Bytes of the batches that may be read. */
  get sizeBytes(): number {
    return this.file.sizeBytes;
  }

  /** -1 without records. */
  get maxTimestamp(): bigint {
    return this.indexes.maxTimestamp;
  }

  /** Transactions that were aborted in this segment. */
  get transactionIndex(): TransactionIndex {
    return this.indexes.aborted;
  }

  /** Whether bytes were written that no completed sync covers. */
  get dirty(): boolean {
    return this.file.dirty;
  }

  /** Monotonic time in milliseconds since when bytes wait for a sync; undefined if none do. */
  get dirtySinceMs(): number | undefined {
    return this.file.dirtySinceMs;
  }

  /** The largest timestamp of the first batch, which the age of a segment is counted from, as in Kafka. */
  async firstTimestamp(): Promise<bigint | undefined> {
    await this.loadFirstTimestamp();
    return this.firstBatchTimestamp;
  }

  get knowsFirstTimestamp(): boolean {
    return this.firstBatchTimestamp !== undefined || this.sizeBytes === 0;
  }

  async loadFirstTimestamp(): Promise<void> {
    if (this.knowsFirstTimestamp) return;
    this.firstBatchTimestamp = batchMaxTimestamp(await this.file.readExactly(0, BATCH_HEADER_BYTES));
  }

  /**
   * Time between the first batch and `next` in milliseconds: by timestamps if there are any, else by monotonic time. The
   * timestamp of the first batch must be known.
   */
  ageAt(next: PlacedBatch): number {
    const first = this.firstBatchTimestamp;
    if (first === undefined || first < 0n) return performance.now() - this.beganAtMs;
    return Number(next.maxTimestamp - first);
  }

  /** Appends batches. If that fails, the segment is unchanged. */
  async append(
    batches: readonly PlacedBatch[],
    { sync, nowMs }: { sync: boolean; nowMs: number },
  ): Promise<void> {
    let position = this.sizeBytes;
    await this.file.append(
      batches.map((batch) => batch.bytes),
      { sync },
    );
    if (position === 0) {
      this.createdAtMs = nowMs;
      this.beganAtMs = performance.now();
      this.firstBatchTimestamp = batches[0]?.maxTimestamp;
    }
    for (const batch of batches) {
      this.indexes.append(batch, { position, sizeBytes: batch.bytes.length });
      position += batch.bytes.length;
    }
  }

  /** Removes bytes that a failed append may have left. */
  trim(): Promise<void> {
    return this.file.trim();
  }

  /** Syncs what was written before the call. */
  sync(): Promise<void> {
    return this.file.sync();
  }

  /** Bytes of entries that the index files lack. */
  get unpersistedIndexBytes(): number {
    return this.indexes.unpersistedBytes;
  }

  persistIndexes(how: { sync: boolean }): Promise<void> {
    return this.indexes.persist(how);
  }

  /**
   * Reads whole batches from the one that contains `offset` on (or from the first after it), at most `maxBytes`. With
   * `atLeastOne` the first batch is returned whatever its size.
   *
   * @returns an empty buffer if the next batch does not fit, undefined if the segment has no batch at or after `offset`
   * @throws SegmentDamagedError if the file is shorter than it was
   */
  async read(
    offset: bigint,
    maxBytes: number,
    atLeastOne: boolean,
    allocate: (length: number) => Buffer = Buffer.allocUnsafe,
  ): Promise<Buffer | undefined> {
    const release = this.file.hold();
    try {
      return await this.reader.read(offset, maxBytes, atLeastOne, allocate);
    } finally {
      release();
    }
  }

  /** Keeps the files open until the returned function is called, once, even if the segment is removed from the log. */
  hold(): () => void {
    return this.file.hold();
  }

  /**
   * Checks every batch and rebuilds the indexes, except that of aborted transactions, which `visit` fills. The segment
   * then ends before the first invalid byte.
   *
   * @param gaps whether compaction may have removed offsets
   */
  async scan(gaps: boolean, visit: BatchVisitor): Promise<ScanResult> {
    const { baseOffset, file } = this;
    const fileBytes = await file.measure();
    file.sizeBytes = 0;
    this.indexes.clear();
    return scanBatches(
      (position, length) => file.readExactly(position, length),
      { fileBytes, baseOffset, gaps },
      (header, marker, position) => {
        visit(header, marker, position);
        if (position === 0) this.firstBatchTimestamp = header.maxTimestamp;
        this.indexes.append(header, { position, sizeBytes: header.sizeBytes });
        file.sizeBytes = position + header.sizeBytes;
      },
    );
  }

  /** Loads a segment without checking its batches. @returns false if an index is missing or invalid: `scan` it then */
  async trust(): Promise<boolean> {
    await this.file.trustAll();
    return this.indexes.load(this.sizeBytes);
  }

  /**
   * Checks the last batches of a trusted segment, at least `tailBytes` of them.
   *
   * @returns the offset after the last batch, undefined if one is invalid: `scan` the segment then
   */
  checkTail(tailBytes: number): Promise<bigint | undefined> {
    const { baseOffset, file } = this;
    const { sizeBytes } = file;
    const from = this.indexes.batchBefore(Math.max(sizeBytes - tailBytes, 0));
    return scanTail((position, length) => file.readExactly(position, length), {
      from,
      sizeBytes,
      baseOffset,
    });
  }

  /** Completes the indexes and syncs everything. Nothing is appended afterwards. */
  async seal(): Promise<void> {
    await this.file.trimIfNeeded();
    if (this.sizeBytes > 0) this.indexes.appendLargestTimestamp();
    // The indexes of a sealed segment are loaded without a check.
    await this.indexes.persist({ sync: true });
    await this.file.sync();
    this.indexes.trim();
  }

  /** Closes the files once no reader holds them. */
  close(): Promise<void> {
    return this.file.close();
  }

  /** Closes and removes the files. */
  async remove(): Promise<void> {
    await this.close();
    await removeSegmentFiles(this.files, this.folder, this.baseOffset);
  }
}
