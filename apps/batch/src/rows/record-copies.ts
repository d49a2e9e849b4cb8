import type { LogRecord } from '@hailstream/log';

/** The parts of a record that `ride.rejects` contains. */
export type RecordCopy = Pick<LogRecord, 'offset' | 'key' | 'value' | 'timestampMs'>;

/** Length of a key or value that is `null`. */
const NONE = -1;

/** Copies of records, which the log client lends only for a limited time. All bytes are in one buffer, without objects per record. */
export class RecordCopies {
  private readonly bytes: Buffer;
  private readonly offsets: bigint[] = [];
  private readonly timestamps: number[] = [];
  /** Per record: start of the key, length of the key, length of the value that follows. */
  private readonly places: Int32Array;

  /** Keys, values and the array are borrowed until the constructor returns. */
  constructor(records: readonly LogRecord[]) {
    const parts: Buffer[] = [];
    this.places = new Int32Array(records.length * 3);
    let place = 0;
    let end = 0;
    for (const { offset, key, value, timestampMs } of records) {
      this.offsets.push(offset);
      this.timestamps.push(timestampMs);
      this.places[place] = end;
      this.places[place + 1] = key?.length ?? NONE;
      this.places[place + 2] = value?.length ?? NONE;
      place += 3;
      if (key) parts.push(key);
      if (value) parts.push(value);
      end += (key?.length ?? 0) + (value?.length ?? 0);
    }
    this.bytes = Buffer.concat(parts, end);
  }

  offsetAt(index: number): bigint {
    return this.offsets[index]!;
  }

  /** The last record; `undefined` without records. */
  get last(): RecordCopy | undefined {
    return this.offsets.length === 0 ? undefined : this.at(this.offsets.length - 1);
  }

  /** Returns the number of records from an offset on. */
  countFrom(offset: bigint): number {
    const first = this.offsets.findIndex((each) => each >= offset);
    return first === -1 ? 0 : this.offsets.length - first;
  }

  at(index: number): RecordCopy {
    const [start, keyLength, valueLength] = this.places.subarray(
      3 * index,
      3 * index + 3,
    ) as unknown as Place;
    const valueStart = start + Math.max(keyLength, 0);
    return {
      offset: this.offsets[index]!,
      timestampMs: this.timestamps[index]!,
      key: keyLength === NONE ? null : this.bytes.subarray(start, valueStart),
      value: valueLength === NONE ? null : this.bytes.subarray(valueStart, valueStart + valueLength),
    };
  }
}

type Place = [start: number, keyLength: number, valueLength: number];
