import { pack, unpack } from '../compression/compression.js';
import {
  BATCH_HEADER_BYTES,
  codecOf,
  makeBatch,
  readBatchHeader,
  withCodec,
  type BatchFields,
} from './record-batch.js';
import { Reader } from './reader.js';
import { Writer } from './writer.js';

/** A header of a record. */
export interface RecordHeader {
  readonly key: string;
  readonly value: Buffer | null;
}

/** One record of an uncompressed batch. Its buffers are views of the batch. */
export interface BatchRecord {
  readonly offsetDelta: number;
  readonly timestampDelta: bigint;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
}

/*
 * A record inside a batch:
 *
 *   length varint · attributes int8 · timestampDelta varlong · offsetDelta varint ·
 *   keyLength varint · key · valueLength varint · value · headerCount varint · headers
 */

/** Decodes `count` records from the uncompressed records of a batch. */
export function readRecords(records: Buffer, count: number): BatchRecord[] {
  const reader = new Reader(records);
  const read: BatchRecord[] = [];
  for (let i = 0; i < count; i++) {
    const length = reader.varint();
    const inner = new Reader(reader.raw(length));
    inner.int8();
    const timestampDelta = inner.varlong();
    const offsetDelta = inner.varint();
    const key = readVarBytes(inner);
    const value = readVarBytes(inner);
    const headers: RecordHeader[] = [];
    for (let left = inner.varint(); left > 0; left--) {
      const name = inner.raw(inner.varint()).toString();
      headers.push({ key: name, value: readVarBytes(inner) });
    }
    read.push({ offsetDelta, timestampDelta, key, value, headers });
  }
  return read;
}

/** The fields of a record that compaction needs, and its encoded form. */
export interface RecordView {
  readonly offsetDelta: number;
  readonly timestampDelta: bigint;
  /** Latin-1: one character per byte. */
  readonly key: string | null;
  readonly hasValue: boolean;
  /** The encoded record including its length; a view of the batch. */
  readonly bytes: Buffer;
}

/**
 * Views of the records of a batch with any compression.
 *
 * @returns undefined if no decoder for the codec is available on this machine, and if the batch cannot be
 *   decompressed
 */
export function viewRecords(batch: Buffer): RecordView[] | undefined {
  const { attributes, count } = readBatchHeader(batch);
  try {
    const records = unpack(codecOf(attributes), batch.subarray(BATCH_HEADER_BYTES));
    return records && readViews(new Reader(records), count);
  } catch {
    // The CRC is valid, so this is what the producer sent, and consumers must receive it.
    return undefined;
  }
}

function readViews(reader: Reader, count: number): RecordView[] {
  const views: RecordView[] = [];
  for (let i = 0; i < count; i++) {
    const start = reader.position;
    const length = reader.varint();
    const end = reader.position + length;
    reader.int8();
    const timestampDelta = reader.varlong();
    const offsetDelta = reader.varint();
    const keyLength = reader.varint();
    const keyAt = reader.position;
    const key = keyLength < 0 ? null : reader.buffer.toString('latin1', keyAt, keyAt + keyLength);
    reader.raw(Math.max(keyLength, 0));
    const hasValue = reader.varint() >= 0;
    reader.raw(end - reader.position);
    views.push({ offsetDelta, timestampDelta, key, hasValue, bytes: reader.buffer.subarray(start, end) });
  }
  return views;
}

/** Records of an uncompressed batch. */
export function recordsOf(batch: Buffer): BatchRecord[] {
  return readRecords(batch.subarray(BATCH_HEADER_BYTES), readBatchHeader(batch).count);
}

/**
 * The records of a batch with any compression.
 *
 * @returns undefined if no decoder for the codec is available on this machine
 * @throws UnpackError, MalformedRequestError if a producer sent a batch that cannot be decompressed or decoded
 */
export function unpackedRecordsOf(batch: Buffer): BatchRecord[] | undefined {
  const { attributes, count } = readBatchHeader(batch);
  const records = unpack(codecOf(attributes), batch.subarray(BATCH_HEADER_BYTES));
  return records && readRecords(records, count);
}

/**
 * The same for a batch in the log.
 * @returns undefined also if it cannot be decompressed
 */
export function readableRecordsOf(batch: Buffer): BatchRecord[] | undefined {
  try {
    return unpackedRecordsOf(batch);
  } catch {
    // The CRC is valid, so this is what the producer sent, and consumers must receive it.
    return undefined;
  }
}

export function writeRecords(records: readonly BatchRecord[]): Buffer {
  const writer = new Writer();
  for (const record of records) {
    const inner = new Writer();
    inner.int8(0);
    inner.varlong(record.timestampDelta);
    inner.varint(record.offsetDelta);
    writeVarBytes(inner, record.key);
    writeVarBytes(inner, record.value);
    inner.varint(record.headers.length);
    for (const header of record.headers) {
      writeVarBytes(inner, Buffer.from(header.key));
      writeVarBytes(inner, header.value);
    }
    writer.varint(inner.sizeBytes);
    for (const chunk of inner.finish()) writer.raw(chunk);
  }
  return Buffer.concat(writer.finish());
}

/** A batch written by the broker itself, not idempotent, with one timestamp for all records. */
export function makeRecordBatch(
  entries: readonly { readonly key: Buffer | null; readonly value: Buffer | null }[],
  timestamp: bigint,
  fields: Partial<BatchFields> = {},
): Buffer {
  const records = entries.map((entry, offsetDelta) => ({
    offsetDelta,
    timestampDelta: 0n,
    key: entry.key,
    value: entry.value,
    headers: [],
  }));
  return packBatch(
    {
      baseOffset: 0n,
      lastOffsetDelta: entries.length - 1,
      attributes: 0,
      baseTimestamp: timestamp,
      maxTimestamp: timestamp,
      producerId: -1n,
      producerEpoch: -1,
      baseSequence: -1,
      count: entries.length,
      ...fields,
    },
    writeRecords(records),
  );
}

/**
 * A batch with its records compressed as the attributes specify, or with gzip if no encoder is available on this
 * machine.
 */
export function packBatch(fields: BatchFields, records: Buffer): Buffer {
  const { codec, packed } = pack(codecOf(fields.attributes), records);
  return makeBatch({ ...fields, attributes: withCodec(fields.attributes, codec) }, packed);
}

function readVarBytes(reader: Reader): Buffer | null {
  const length = reader.varint();
  return length < 0 ? null : reader.raw(length);
}

function writeVarBytes(writer: Writer, value: Buffer | null): void {
  writer.varint(value === null ? -1 : value.length);
  if (value !== null) writer.raw(value);
}
