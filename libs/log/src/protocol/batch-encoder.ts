import { Codec, pack } from '../compression/compression.js';
import { BATCH_HEADER_BYTES, makeBatch, withCodec, writeBatchHeader } from './record-batch.js';
import {
  headersBytes,
  MAX_VARINT_BYTES,
  partBytes,
  RecordOutput,
  varintBytes,
  varlongBytes,
} from './record-output.js';
import type { RecordHeader } from './records.js';

/** A record to encode. Headers have UTF-8 names and values; both may be empty, and a value may be null. */
export interface EncodableRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
  /** Milliseconds, rounded towards zero and limited to the range of the protocol. */
  readonly timestampMs: number;
}

/** The part of a buffer with a key and a value in their wire format: each after its length. */
export interface EncodedContent {
  readonly bytes: Buffer;
  readonly contentAt: number;
  readonly contentEnd: number;
}

/** Headers in their wire format, without their number. */
export interface EncodedHeaders {
  readonly count: number;
  readonly bytes: Buffer;
}

/** Fields of a batch that are not derived from its records. */
interface ProducerFields {
  readonly attributes: number;
  /** -1 if the producer is not idempotent. */
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly baseSequence: number;
}

const FIRST_BYTES = 16 * 1024;
const [MIN_INT64, MAX_INT64] = [-(2n ** 63n), 2n ** 63n - 1n];

/**
 * Encodes records into one batch as they are added. Offset deltas start at 0. The buffer grows as needed and is used again
 * after {@link reset}.
 *
 * @see {@link RecordCursor} for the wire format of a record
 */
export class BatchEncoder extends RecordOutput {
  /** Number of records. */
  count = 0;
  private baseTimestampMs = 0;
  private maxTimestampMs = 0;

  /** @param firstBytes expected size of the batch */
  constructor(firstBytes = FIRST_BYTES) {
    super(firstBytes);
    this.at = BATCH_HEADER_BYTES;
  }

  /** Size of the batch with the records so far, uncompressed. */
  get sizeBytes(): number {
    return this.at;
  }

  /** Size of the buffer. */
  get capacityBytes(): number {
    return this.buffer.length;
  }

  /** Appends a record. All buffers are copied. */
  add({ key, value, headers, timestampMs }: EncodableRecord): void {
    const contentBytes = partBytes(key) + partBytes(value);
    this.startRecord(timestampMs, contentBytes + varintBytes(headers.length) + headersBytes(headers));
    this.part(key);
    this.part(value);
    this.varint(headers.length);
    this.headers(headers);
  }

  /** Appends a record whose key and value are encoded already. `added` are headers after its own. All buffers are copied. */
  addEncoded(
    { bytes, contentAt, contentEnd }: EncodedContent,
    timestampMs: number,
    headers: readonly RecordHeader[],
    added: EncodedHeaders,
  ): void {
    const headerCount = headers.length + added.count;
    const allHeadersBytes = varintBytes(headerCount) + headersBytes(headers) + added.bytes.length;
    this.startRecord(timestampMs, contentEnd - contentAt + allHeadersBytes);
    this.at += bytes.copy(this.buffer, this.at, contentAt, contentEnd);
    this.varint(headerCount);
    this.headers(headers);
    this.raw(added.bytes);
  }

  /**
   * Returns the batch, compressed unless that makes it larger: it may be as large as the topic accepts. Without compression it
   * is a view of the buffer, valid until {@link reset}.
   */
  finish(
    { attributes, producerId, producerEpoch, baseSequence }: ProducerFields,
    codec: number = Codec.NONE,
  ): Buffer {
    const batch = this.buffer.subarray(0, this.at);
    // Without `...rest`, which takes longer than everything else here, and allocates in the old generation.
    const fields = {
      attributes,
      producerId,
      producerEpoch,
      baseSequence,
      baseOffset: 0n,
      lastOffsetDelta: this.count - 1,
      baseTimestamp: toInt64(this.baseTimestampMs),
      maxTimestamp: toInt64(this.maxTimestampMs),
      count: this.count,
    };
    if (codec !== Codec.NONE) {
      const records = batch.subarray(BATCH_HEADER_BYTES);
      const compressed = pack(codec, records);
      if (compressed.packed.length < records.length) {
        return makeBatch(
          { ...fields, attributes: withCodec(attributes, compressed.codec) },
          compressed.packed,
        );
      }
    }
    writeBatchHeader(batch, fields);
    return batch;
  }

  /** Removes all records. */
  reset(): void {
    this.count = 0;
    this.at = BATCH_HEADER_BYTES;
  }

  /** Writes the fields before the key. `restBytes` is the size of everything after them. */
  private startRecord(timestampMs: number, restBytes: number): void {
    if (this.count === 0) this.baseTimestampMs = this.maxTimestampMs = timestampMs;
    else if (timestampMs > this.maxTimestampMs) this.maxTimestampMs = timestampMs;
    const delta = timestampDelta(timestampMs, this.baseTimestampMs);
    const bodyBytes = 1 + varlongBytes(delta) + varintBytes(this.count) + restBytes;
    this.reserve(MAX_VARINT_BYTES + bodyBytes);
    this.varint(bodyBytes);
    this.buffer[this.at++] = 0;
    this.varlong(delta);
    this.varint(this.count);
    this.count += 1;
  }
}

/** As a number if it fits into 32 bits. */
function timestampDelta(timestampMs: number, baseMs: number): number | bigint {
  const delta = timestampMs - baseMs;
  if (Number.isSafeInteger(timestampMs) && Number.isSafeInteger(baseMs) && (delta | 0) === delta)
    return delta;
  return BigInt.asIntN(64, toInt64(timestampMs) - toInt64(baseMs));
}

/** Rounds towards zero, and limits the timestamp to the range of the protocol. */
function toInt64(timestampMs: number): bigint {
  const value = BigInt(Math.trunc(timestampMs));
  if (value > MAX_INT64) return MAX_INT64;
  return value < MIN_INT64 ? MIN_INT64 : value;
}
