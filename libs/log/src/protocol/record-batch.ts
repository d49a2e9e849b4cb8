import { crc32c } from './crc32c.js';
import { ErrorCode, ProtocolError } from './error-codes.js';

/*
 * A record batch, magic 2 (Kafka 0.11 and later):
 *
 *   baseOffset int64 · length int32 · partitionLeaderEpoch int32 · magic int8 · crc uint32 ·
 *   attributes int16 · lastOffsetDelta int32 · baseTimestamp int64 · maxTimestamp int64 ·
 *   producerId int64 · producerEpoch int16 · baseSequence int32 · count int32 · records
 *
 * `length` counts what follows it; the CRC covers everything from the attributes on, so that a broker can set the base
 * offset and the leader epoch without touching it.
 */
const LENGTH_AT = 8;
const LEADER_EPOCH_AT = 12;
const MAGIC_AT = 16;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const LAST_OFFSET_DELTA_AT = 23;
const BASE_TIMESTAMP_AT = 27;
const MAX_TIMESTAMP_AT = 35;
const PRODUCER_ID_AT = 43;
const PRODUCER_EPOCH_AT = 51;
const BASE_SEQUENCE_AT = 53;
const COUNT_AT = 57;

/** Length of the header. */
export const BATCH_HEADER_BYTES = 61;
/** Bytes that the `length` field does not count. */
export const BATCH_OVERHEAD_BYTES = 12;
const MAGIC = 2;

const CODEC_MASK = 0x07;
const LOG_APPEND_TIME = 0x08;
/** Attribute of the batches of a transaction. */
export const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;
const LAST_CODEC = 4;

/** The header of a batch. */
export interface BatchHeader {
  readonly baseOffset: bigint;
  readonly lastOffset: bigint;
  readonly sizeBytes: number;
  readonly attributes: number;
  readonly baseTimestamp: bigint;
  readonly maxTimestamp: bigint;
  /** -1 if the producer is not idempotent. */
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly count: number;
  readonly transactional: boolean;
  readonly control: boolean;
}

/** @returns the size of the batch at `at` including its header, from its length field; not validated */
export function batchSizeBytes(buffer: Buffer, at = 0): number {
  return buffer.readInt32BE(at + LENGTH_AT) + BATCH_OVERHEAD_BYTES;
}

export function batchBaseOffset(buffer: Buffer, at = 0): bigint {
  return buffer.readBigInt64BE(at);
}

export function batchLastOffset(buffer: Buffer, at = 0): bigint {
  return buffer.readBigInt64BE(at) + BigInt(buffer.readInt32BE(at + LAST_OFFSET_DELTA_AT));
}

export function batchMaxTimestamp(buffer: Buffer, at = 0): bigint {
  return buffer.readBigInt64BE(at + MAX_TIMESTAMP_AT);
}

function isTransactional(attributes: number): boolean {
  return (attributes & TRANSACTIONAL) !== 0;
}

function isControl(attributes: number): boolean {
  return (attributes & CONTROL) !== 0;
}

export function isLogAppendTime(attributes: number): boolean {
  return (attributes & LOG_APPEND_TIME) !== 0;
}

export function codecOf(attributes: number): number {
  return attributes & CODEC_MASK;
}

export function withCodec(attributes: number, codec: number): number {
  return (attributes & ~CODEC_MASK) | codec;
}

/** Reads the header at `at` without validation. `BATCH_HEADER_BYTES` must be available. */
export function readBatchHeader(buffer: Buffer, at = 0): BatchHeader {
  const attributes = buffer.readInt16BE(at + ATTRIBUTES_AT);
  return {
    baseOffset: batchBaseOffset(buffer, at),
    lastOffset: batchLastOffset(buffer, at),
    sizeBytes: batchSizeBytes(buffer, at),
    attributes,
    baseTimestamp: buffer.readBigInt64BE(at + BASE_TIMESTAMP_AT),
    maxTimestamp: batchMaxTimestamp(buffer, at),
    producerId: buffer.readBigInt64BE(at + PRODUCER_ID_AT),
    producerEpoch: buffer.readInt16BE(at + PRODUCER_EPOCH_AT),
    baseSequence: buffer.readInt32BE(at + BASE_SEQUENCE_AT),
    count: buffer.readInt32BE(at + COUNT_AT),
    transactional: isTransactional(attributes),
    control: isControl(attributes),
  };
}

/** Whether the batch at `at` is complete and valid: magic, length, count and CRC. */
export function isBatchIntact(buffer: Buffer, at: number, sizeBytes: number): boolean {
  return (
    buffer[at + MAGIC_AT] === MAGIC &&
    buffer.readInt32BE(at + LAST_OFFSET_DELTA_AT) >= 0 &&
    crc32c(buffer.subarray(at + ATTRIBUTES_AT, at + sizeBytes)) === buffer.readUInt32BE(at + CRC_AT)
  );
}

/**
 * Validates the header and the CRC of what a producer sent for one partition: exactly one complete batch.
 * `checkRecords` validates its records.
 *
 * @throws ProtocolError with the error code that Kafka returns
 */
export function checkProducedBatch(batch: Buffer, maxBytes: number): BatchHeader {
  if (batch.length === 0) refuse('INVALID_RECORD', 'no record batch for the partition');
  if (batch.length < BATCH_HEADER_BYTES)
    refuse('CORRUPT_MESSAGE', `${batch.length} bytes are shorter than a record batch`);
  if (batch[MAGIC_AT] !== MAGIC) {
    refuse('INVALID_RECORD', `the batch has magic ${batch[MAGIC_AT]}, only 2 is supported`);
  }
  const header = readBatchHeader(batch);
  if (header.sizeBytes > batch.length || header.sizeBytes < BATCH_HEADER_BYTES) {
    refuse('CORRUPT_MESSAGE', `the batch declares ${header.sizeBytes} bytes, received ${batch.length}`);
  }
  if (header.sizeBytes < batch.length) refuse('INVALID_RECORD', 'more than one batch for the partition');
  if (batch.length > maxBytes) {
    refuse('MESSAGE_TOO_LARGE', `the batch has ${batch.length} bytes, the maximum is ${maxBytes}`);
  }
  if (crc32c(batch.subarray(ATTRIBUTES_AT)) !== batch.readUInt32BE(CRC_AT)) {
    refuse('CORRUPT_MESSAGE', 'the CRC of the batch is wrong');
  }
  if (header.control) refuse('INVALID_RECORD', 'clients must not write control batches');
  if (codecOf(header.attributes) > LAST_CODEC) {
    refuse('UNSUPPORTED_COMPRESSION_TYPE', `unknown compression type ${codecOf(header.attributes)}`);
  }
  if (header.count <= 0 || header.lastOffset - header.baseOffset !== BigInt(header.count - 1)) {
    refuse('INVALID_RECORD', `the last offset delta does not match the count ${header.count}`);
  }
  if (header.transactional && header.producerId < 0n) {
    refuse('INVALID_RECORD', 'a transactional batch has no producer id');
  }
  if (header.producerId >= 0n && (header.baseSequence < 0 || header.producerEpoch < 0)) {
    refuse('INVALID_RECORD', 'an idempotent batch has no sequence number or no epoch');
  }
  return header;
}

/** The batches at the start of `bytes` that begin before an offset, and the offset after the last of them. */
export function batchesBefore(
  bytes: Buffer,
  end: bigint,
): { batches: Buffer; endOffset: bigint | undefined } {
  let endOffset: bigint | undefined;
  let at = 0;
  while (at < bytes.length && batchBaseOffset(bytes, at) < end) {
    endOffset = batchLastOffset(bytes, at) + 1n;
    at += batchSizeBytes(bytes, at);
  }
  return { batches: bytes.subarray(0, at), endOffset };
}

function refuse(code: keyof typeof ErrorCode, message: string): never {
  throw new ProtocolError(ErrorCode[code], message);
}

/** Sets the base offset of a batch. The CRC does not cover it. */
export function setBaseOffset(batch: Buffer, baseOffset: bigint, leaderEpoch: number): void {
  batch.writeBigInt64BE(baseOffset, 0);
  batch.writeInt32BE(leaderEpoch, LEADER_EPOCH_AT);
}

/** Sets the timestamp of all records to the time of the append, and updates the CRC. */
export function setLogAppendTime(batch: Buffer, timestamp: bigint): void {
  batch.writeInt16BE(batch.readInt16BE(ATTRIBUTES_AT) | LOG_APPEND_TIME, ATTRIBUTES_AT);
  batch.writeBigInt64BE(timestamp, MAX_TIMESTAMP_AT);
  sealBatch(batch);
}

/** Marks the batch as having the producer's timestamps, with this one as the largest. */
export function setCreateTime(batch: Buffer, maxTimestamp: bigint): void {
  const attributes = batch.readInt16BE(ATTRIBUTES_AT);
  if (!isLogAppendTime(attributes) && batchMaxTimestamp(batch) === maxTimestamp) return;
  batch.writeInt16BE(attributes & ~LOG_APPEND_TIME, ATTRIBUTES_AT);
  batch.writeBigInt64BE(maxTimestamp, MAX_TIMESTAMP_AT);
  sealBatch(batch);
}

/** Sets the CRC of a batch that was created or modified. */
export function sealBatch(batch: Buffer): void {
  batch.writeUInt32BE(crc32c(batch.subarray(ATTRIBUTES_AT)), CRC_AT);
}

/** Header fields of a new batch. The others are derived from the records. */
export interface BatchFields {
  readonly baseOffset: bigint;
  readonly lastOffsetDelta: number;
  readonly attributes: number;
  readonly baseTimestamp: bigint;
  readonly maxTimestamp: bigint;
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly count: number;
}

/** Prepends a header to encoded and possibly compressed records. */
export function makeBatch(fields: BatchFields, records: Buffer): Buffer {
  const batch = Buffer.allocUnsafe(BATCH_HEADER_BYTES + records.length);
  records.copy(batch, BATCH_HEADER_BYTES);
  writeBatchHeader(batch, fields);
  return batch;
}

/** Writes the header of a batch whose records are already in the buffer. */
export function writeBatchHeader(batch: Buffer, fields: BatchFields): void {
  batch.writeBigInt64BE(fields.baseOffset, 0);
  batch.writeInt32BE(batch.length - BATCH_OVERHEAD_BYTES, LENGTH_AT);
  batch.writeInt32BE(0, LEADER_EPOCH_AT);
  batch.writeInt8(MAGIC, MAGIC_AT);
  batch.writeInt16BE(fields.attributes, ATTRIBUTES_AT);
  batch.writeInt32BE(fields.lastOffsetDelta, LAST_OFFSET_DELTA_AT);
  batch.writeBigInt64BE(fields.baseTimestamp, BASE_TIMESTAMP_AT);
  batch.writeBigInt64BE(fields.maxTimestamp, MAX_TIMESTAMP_AT);
  batch.writeBigInt64BE(fields.producerId, PRODUCER_ID_AT);
  batch.writeInt16BE(fields.producerEpoch, PRODUCER_EPOCH_AT);
  batch.writeInt32BE(fields.baseSequence, BASE_SEQUENCE_AT);
  batch.writeInt32BE(fields.count, COUNT_AT);
  sealBatch(batch);
}
