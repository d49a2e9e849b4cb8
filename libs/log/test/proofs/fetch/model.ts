import { BrokenPromiseError } from '../crash/clients.js';
import { partitionName } from '../../../src/protocol/topic-partition.js';

/** The outcome of a record's transaction. */
type Outcome = 'open' | 'committed' | 'aborted';

/** A transaction as known to its producer. */
export interface ModelTransaction {
  outcome: Outcome;
}

/** A record as it was sent. */
export interface SentRecord {
  /** Unique in a run. The value starts with it. */
  readonly id: string;
  readonly key: string | null;
  readonly tombstone: boolean;
  readonly transaction: ModelTransaction | undefined;
}

/** A record as it was received. */
export interface SeenRecord {
  readonly offset: bigint;
  readonly key: string | null;
  readonly value: string | null;
}

type Entry = SentRecord | 'marker';

/**
 * The expected contents of a partition, derived only from what was sent and acknowledged: the record at each offset,
 * and the offsets that a reader may miss.
 */
export class PartitionModel {
  private readonly entries: Entry[] = [];

  constructor(
    readonly topic: string,
    readonly partition: number,
    readonly compacted: boolean,
  ) {}

  get endOffset(): bigint {
    return BigInt(this.entries.length);
  }

  /** The offset before which the outcome of every transaction is known. */
  get lastStableOffset(): bigint {
    const open = this.entries.findIndex(
      (entry) => entry !== 'marker' && entry.transaction?.outcome === 'open',
    );
    return open < 0 ? this.endOffset : BigInt(open);
  }

  /**
   * Adds an acknowledged batch.
   * @throws BrokenPromiseError if it is not at the next offset
   */
  append(records: readonly SentRecord[], baseOffset: bigint): void {
    if (baseOffset !== this.endOffset) {
      throw new BrokenPromiseError(`${this.name} stored a batch at ${baseOffset}, not at ${this.endOffset}`);
    }
    this.entries.push(...records);
  }

  appendMarker(): void {
    this.entries.push('marker');
  }

  /**
   * Verifies what a reader received from an offset on.
   * @throws BrokenPromiseError if a record is wrong, repeated or missing
   */
  check(
    seen: readonly SeenRecord[],
    reader: { readonly name: string; readonly from: bigint; readonly committed: boolean },
  ): void {
    const { name, from, committed } = reader;
    const found = new Set<bigint>();
    let previous = from - 1n;
    for (const record of seen) {
      if (record.offset <= previous) {
        throw new BrokenPromiseError(`${name} got ${this.name} ${record.offset} after ${previous}`);
      }
      previous = record.offset;
      found.add(record.offset);
      this.checkRecord(record, name, committed);
    }
    const newest = this.newestByKey();
    const end = committed ? this.lastStableOffset : this.endOffset;
    for (let offset = from; offset < end; offset++) {
      if (found.has(offset) || this.mayBeMissing(offset, committed, newest)) continue;
      const last = [...found].filter((each) => each < offset).at(-1);
      const next = [...found].find((each) => each > offset);
      throw new BrokenPromiseError(
        `${name} never received ${this.name} ${offset} of ${from}..${end}: ${next} followed ${last}`,
      );
    }
  }

  private get name(): string {
    return partitionName(this.topic, this.partition);
  }

  private checkRecord({ offset, key, value }: SeenRecord, name: string, committed: boolean): void {
    const entry = this.entries[Number(offset)];
    if (entry === undefined || entry === 'marker') {
      throw new BrokenPromiseError(`${name} received a record at ${this.name} ${offset}, which holds none`);
    }
    const is = entry.tombstone ? value === null : value?.startsWith(`${entry.id}/`);
    if (is !== true || key !== entry.key) {
      throw new BrokenPromiseError(
        `${name} got ${key}=${value?.slice(0, 20)} at ${this.name} ${offset}, not ${entry.id}`,
      );
    }
    const outcome = entry.transaction?.outcome ?? 'committed';
    if (!committed || outcome === 'committed') return;
    throw new BrokenPromiseError(`${name} got ${this.name} ${offset}, whose transaction is ${outcome}`);
  }

  /** The last visible record of each key. */
  private newestByKey(): Map<string, bigint> {
    const newest = new Map<string, bigint>();
    this.entries.forEach((entry, offset) => {
      if (entry === 'marker' || entry.key === null || entry.transaction?.outcome === 'aborted') return;
      newest.set(entry.key, BigInt(offset));
    });
    return newest;
  }

  private mayBeMissing(offset: bigint, committed: boolean, newest: ReadonlyMap<string, bigint>): boolean {
    const entry = this.entries[Number(offset)];
    if (entry === undefined || entry === 'marker') return true;
    const aborted = entry.transaction?.outcome === 'aborted';
    if (aborted && (committed || this.compacted)) return true;
    if (!this.compacted || entry.key === null) return false;
    return entry.tombstone || (newest.get(entry.key) ?? -1n) > offset;
  }
}
