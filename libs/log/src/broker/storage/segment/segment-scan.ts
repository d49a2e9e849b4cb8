import { readMarker, type Marker } from '../../../protocol/markers.js';
import {
  BATCH_HEADER_BYTES,
  batchSizeBytes,
  isBatchIntact,
  readBatchHeader,
  type BatchHeader,
} from '../../../protocol/record-batch.js';

const CHUNK_BYTES = 1 << 20;

/** Reads bytes of the file that is scanned. */
type ReadBytes = (position: number, length: number) => Promise<Buffer>;

/** Result of a scan. */
export interface ScanResult {
  /** Position of the first invalid byte; undefined if the whole file is valid. */
  readonly damagedAt: number | undefined;
  /** Offset after the last valid batch. */
  readonly nextOffset: bigint;
}

/** Called for each valid batch, in order; `marker` is the content of a control batch. */
export type BatchVisitor = (header: BatchHeader, marker: Marker | undefined, position: number) => void;

/**
 * Checks the length, offsets and CRC of every batch of a file, up to the first invalid byte. Base offsets are not covered
 * by the CRC: without `gaps`, which compaction leaves, every batch must start at the offset after its predecessor.
 */
export async function scanBatches(
  read: ReadBytes,
  { fileBytes, baseOffset, gaps }: { fileBytes: number; baseOffset: bigint; gaps: boolean },
  visit: BatchVisitor,
): Promise<ScanResult> {
  let nextOffset = baseOffset;
  let position = 0;
  while (position < fileBytes) {
    const chunk = await read(position, Math.min(CHUNK_BYTES, fileBytes - position));
    const chunkAt = position;
    for (const header of intactBatches(chunk, nextOffset, gaps)) {
      const at = position - chunkAt;
      const marker = header.control ? readMarker(chunk.subarray(at, at + header.sizeBytes)) : undefined;
      visit(header, marker, position);
      position += header.sizeBytes;
      nextOffset = header.lastOffset + 1n;
    }
    if (position > chunkAt) continue;
    const large = await readLargeBatch(read, chunk, { position, fileBytes });
    const [header] = large === undefined ? [] : intactBatches(large, nextOffset, gaps);
    if (header === undefined) return { damagedAt: position, nextOffset };
    visit(header, undefined, position);
    position += header.sizeBytes;
    nextOffset = header.lastOffset + 1n;
  }
  return { damagedAt: undefined, nextOffset };
}

/**
 * Checks the batches from a known position to the end of the file.
 *
 * @returns the offset after the last of them, undefined if one is invalid
 */
export async function scanTail(
  read: ReadBytes,
  { from, sizeBytes, baseOffset }: { from: number; sizeBytes: number; baseOffset: bigint },
): Promise<bigint | undefined> {
  let position = from;
  let nextOffset = baseOffset;
  while (position < sizeBytes) {
    const chunk = await read(position, Math.min(CHUNK_BYTES, sizeBytes - position));
    let inChunk = 0;
    for (const header of intactBatches(chunk, nextOffset, true)) {
      nextOffset = header.lastOffset + 1n;
      inChunk += header.sizeBytes;
    }
    if (inChunk === 0) return undefined;
    position += inChunk;
  }
  return nextOffset;
}

/** Reads the batch that starts at `position` and is longer than `chunk`. */
async function readLargeBatch(
  read: ReadBytes,
  chunk: Buffer,
  { position, fileBytes }: { position: number; fileBytes: number },
): Promise<Buffer | undefined> {
  if (chunk.length < BATCH_HEADER_BYTES) return undefined;
  const sizeBytes = batchSizeBytes(chunk);
  if (sizeBytes <= chunk.length || position + sizeBytes > fileBytes) return undefined;
  return read(position, sizeBytes);
}

/** Headers of the valid batches at the start of `chunk`, with offsets from `nextOffset` on. */
function* intactBatches(chunk: Buffer, nextOffset: bigint, gaps: boolean): Generator<BatchHeader> {
  let at = 0;
  let expected = nextOffset;
  while (at + BATCH_HEADER_BYTES <= chunk.length) {
    const header = readBatchHeader(chunk, at);
    const { sizeBytes } = header;
    if (sizeBytes < BATCH_HEADER_BYTES || at + sizeBytes > chunk.length) return;
    const inPlace = gaps ? header.baseOffset >= expected : header.baseOffset === expected;
    if (!inPlace || !isBatchIntact(chunk, at, sizeBytes)) return;
    yield header;
    expected = header.lastOffset + 1n;
    at += sizeBytes;
  }
}
