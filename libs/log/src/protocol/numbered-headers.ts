import type { EncodedHeaders } from './batch-encoder.js';
import { headersBytes, partBytes, RecordOutput } from './record-output.js';
import type { RecordHeader } from './records.js';

/** Bytes of the longest value: the smallest 64-bit number in decimal digits, after its length. */
const MAX_VALUE_BYTES = partBytes(Buffer.from(String(-(2n ** 63n))));

/** Encoded headers for many records, of which only the last one differs: its value is a number in decimal digits. */
export class NumberedHeaders extends RecordOutput implements EncodedHeaders {
  readonly count: number;
  bytes: Buffer;
  private readonly valueAt: number;

  constructor(same: readonly RecordHeader[], lastKey: string) {
    const last = { key: lastKey, value: null };
    super(headersBytes([...same, last]) + MAX_VALUE_BYTES);
    this.count = same.length + 1;
    this.headers(same);
    this.text(lastKey);
    this.valueAt = this.at;
    this.bytes = this.buffer;
  }

  /** Sets the number. The headers of the one before are no longer valid. */
  set(value: bigint): this {
    const digits = String(value);
    this.at = this.valueAt;
    this.varint(digits.length);
    for (let index = 0; index < digits.length; index += 1) this.buffer[this.at++] = digits.charCodeAt(index);
    if (this.bytes.length !== this.at) this.bytes = this.buffer.subarray(0, this.at);
    return this;
  }
}
