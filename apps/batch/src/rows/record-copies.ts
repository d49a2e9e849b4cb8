import { placeOf, type LogRecord, type RecordPlace } from '@hailstream/log';

/** The parts of a record that `ride.rejects` contains. */
export type RecordCopy = Pick<LogRecord, 'offset' | 'key' | 'value' | 'timestampMs'>;

/** Length of a key or value that is `null`. */
const NONE = -1;
/** Numbers of each record in {@link RecordCopies.places}. */
const PLACE_NUMBERS = 4;

/** Copies of records, which the log client lends only for a limited time. All bytes are in one buffer, without objects per record. */
export class RecordCopies {
  /** The keys and values, and the bytes between them in their batches. */
  readonly bytes: Buffer;
  private readonly offsets: BigInt64Array;
  private readonly timestamps: Float64Array;
  /** Per record: start and length of the key, start and length of the value. */
  private readonly places: Int32Array;

  /** Keys, values and the array are borrowed until the constructor returns. */
  constructor(records: readonly LogRecord[]) {
    this.offsets = new BigInt64Array(records.length);
    this.timestamps = new Float64Array(records.length);
    this.places = new Int32Array(records.length * PLACE_NUMBERS);
    const parts: Buffer[] = [];
    let end = 0;
    let run: RecordPlace | undefined;
    let runEnd = 0;
    /** Position of the run's bytes in the copy. */
    let shift = 0;
    const endRun = (): void => {
      if (run === undefined) return;
      parts.push(run.bytes.subarray(run.keyAt, runEnd));
      end += runEnd - run.keyAt;
    };
    for (let index = 0; index < records.length; index += 1) {
      const record = records[index]!;
      this.offsets[index] = record.offset;
      this.timestamps[index] = record.timestampMs;
      const place = placeOf(record) ?? ownPlace(record);
      // Records that follow each other in a batch are copied at once.
      if (place.bytes !== run?.bytes || place.keyAt < runEnd) {
        endRun();
        run = place;
        shift = end - place.keyAt;
      }
      runEnd = place.valueAt + Math.max(place.valueBytes, 0);
      const at = index * PLACE_NUMBERS;
      this.places[at] = place.keyAt + shift;
      this.places[at + 1] = place.keyBytes;
      this.places[at + 2] = place.valueAt + shift;
      this.places[at + 3] = place.valueBytes;
    }
    endRun();
    this.bytes = Buffer.concat(parts, end);
  }

  get count(): number {
    return this.offsets.length;
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
    const at = index * PLACE_NUMBERS;
    return {
      offset: this.offsets[index]!,
      timestampMs: this.timestamps[index]!,
      key: this.part(this.places[at]!, this.places[at + 1]!),
      value: this.part(this.places[at + 2]!, this.places[at + 3]!),
    };
  }

  /** Start of a record's value in {@link bytes}. */
  valueAt(index: number): number {
    return this.places[index * PLACE_NUMBERS + 2]!;
  }

  /** Length of a record's value; -1 if it has none. */
  valueBytes(index: number): number {
    return this.places[index * PLACE_NUMBERS + 3]!;
  }

  private part(start: number, length: number): Buffer | null {
    return length === NONE ? null : this.bytes.subarray(start, start + length);
  }
}

/** The place of a record that is not one of a batch. */
function ownPlace({ key, value }: LogRecord): RecordPlace {
  const keyBytes = key?.length ?? NONE;
  return {
    bytes: Buffer.concat([key ?? Buffer.alloc(0), value ?? Buffer.alloc(0)]),
    keyAt: 0,
    keyBytes,
    valueAt: Math.max(keyBytes, 0),
    valueBytes: value?.length ?? NONE,
  };
}
