import type { Event } from '../../../router-file/filter.js';

/** A record of a block. */
export interface BlockRecord {
  /** The time by which it is assigned to an hour: of the event or of its receipt, in milliseconds. */
  readonly timeMs: number;
  readonly offset: bigint;
  readonly receivedMs: number;
  /** A JSON object in UTF-8. */
  readonly value: Buffer;
}

/** A record as an object has it. */
export interface StoredRecord extends Omit<BlockRecord, 'timeMs'> {
  readonly event: Event;
}

/** A file format of objects. */
export interface ObjectFormat {
  readonly extension: string;
  /** Collects records of one partition. */
  collect(partition: number): RecordCollector;
  /** The records of an object, in their order. @throws Error if the bytes are of another format */
  read(bytes: Buffer): Promise<StoredRecord[]>;
  /** The offsets of the records in an object, in their order. @throws Error if the bytes are of another format */
  offsets(bytes: Buffer): Promise<bigint[]>;
}

/** Keeps the records of a block in the form in which they are encoded. */
export interface RecordCollector {
  /** Adds the next record in the order of the log. `event` is its parsed value. */
  push(record: Omit<BlockRecord, 'timeMs'>, event: Event): void;
  /**
   * Encodes objects, once only. Equal records give equal bytes.
   *
   * @param objects of each object, the numbers of its records in the order in which they were added, ascending
   */
  encode(objects: readonly Uint32Array[]): Promise<readonly Buffer[]>;
}
