import {
  BATCH_HEADER_BYTES,
  batchSizeBytes,
  isBatchIntact,
  readBatchHeader,
  type BatchHeader,
} from '../../../protocol/record-batch.js';

/** Bytes of `buffer` that are whole batches, and where the last of them starts. */
export function wholeBatches(buffer: Buffer): { sizeBytes: number; lastAt: number } {
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

/** Headers of the good batches at the start of `chunk`, whose offsets go up from `nextOffset`. */
export function* intactBatches(chunk: Buffer, nextOffset: bigint, gaps: boolean): Generator<BatchHeader> {
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
