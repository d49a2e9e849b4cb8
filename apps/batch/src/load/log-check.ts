import { partitionName, type LogRecord } from '@hailstream/log';
import type { KnownRecords } from '../positions/known-records.postgres.js';
import { digestOf } from '../positions/position.js';
import type { LogPositions } from '../positions/positions.postgres.js';
import type { Retention } from '../retention/retention.js';
import type { Tables } from '../rows/tables.js';
import { LoadError } from './load.errors.js';
import type { LogPartition } from '../positions/log-partition.js';

/** Offsets before an unbound position that are compared with the database. */
const LOOK_BACK_OFFSETS = 100n;

interface LogCheckOptions {
  readonly positions: LogPositions;
  readonly known: KnownRecords;
  readonly tables: Tables;
  readonly retention: Retention;
}

/**
 * Compares the records before a position with those that were loaded, before anything after it is loaded. In addition to the
 * comparison of identities, this detects a log that was restored from an older copy, was truncated, or was copied to other
 * offsets.
 *
 * For a bound position, the log must have the last record that was loaded at its offset, unless it has been deleted. For an
 * unbound position, the records before it must be in the database; the position is then bound.
 */
export class LogCheck {
  /** First offset to read: the position, or an offset before it. */
  readonly from: bigint;
  private compared = 0;
  private isDone = false;

  constructor(
    private readonly partition: LogPartition,
    private readonly options: LogCheckOptions,
  ) {
    this.from = readFrom(partition);
  }

  /** Whether a position must be checked. If it has moved, another process has checked it. */
  appliesTo(position: bigint): boolean {
    return !this.isDone && position === this.partition.unchecked?.nextOffset;
  }

  /** @throws LoadError `POSITIONS_REFUSED` if records before the position are not those that were loaded */
  async compare(records: readonly LogRecord[]): Promise<void> {
    const { unchecked } = this.partition;
    if (this.isDone || unchecked === undefined || records.length === 0) return;
    if (unchecked.identity === undefined) await this.compareWithDatabase(records);
    else await this.compareWithLast(records);
    this.compared += records.length;
  }

  /** Ends the check: all records before the position have been compared. */
  async finish(): Promise<void> {
    const { unchecked, identity } = this.partition;
    if (this.isDone || unchecked === undefined) return;
    if (unchecked.identity === undefined) {
      if (this.compared === 0) throw this.refusal('there is no record before it to compare');
      await this.options.positions.bind(unchecked, identity);
    }
    this.isDone = true;
  }

  private async compareWithLast(records: readonly LogRecord[]): Promise<void> {
    const { unchecked } = this.partition;
    const last = unchecked?.lastRecord;
    const record = records.find(({ offset }) => offset === last?.offset);
    if (!unchecked || !last || !record || digestOf(record).equals(last.digest)) return;
    await this.options.positions.refuse(unchecked, 'other-record');
    throw this.refusal(`the record at offset ${last.offset} is not the one that was loaded from there`);
  }

  private async compareWithDatabase(records: readonly LogRecord[]): Promise<void> {
    const table = this.options.tables.get(this.partition.topic)!;
    const { known, retention } = this.options;
    const isExpired = retention.expiry(table.name, Date.now());
    const unknown = await known.unknownOf(table, { ...this.partition, isExpired }, records);
    if (unknown.length > 0) throw this.refusal(`the record at offset ${unknown[0]} was never loaded`);
  }

  private refusal(reason: string): LoadError {
    const { topic, unchecked } = this.partition;
    const lines = [
      `${partitionName(this.partition.topic, this.partition.partition)}: position ${unchecked?.nextOffset} does not belong to this log: ${reason}.`,
      'No records are loaded, because continuing would skip records.',
      '  To load the log from its first record (events that were loaded before are not loaded twice):',
      `    npm run batch -- positions reset --topic ${topic} --to earliest`,
      '  To keep the position nevertheless:',
      `    npm run batch -- positions adopt --topic ${topic}`,
    ];
    return new LoadError('POSITIONS_REFUSED', lines.join('\n'));
  }
}

function readFrom({ from, earliest, unchecked }: LogPartition): bigint {
  if (unchecked === undefined) return from;
  if (unchecked.identity === undefined) {
    const back = from - LOOK_BACK_OFFSETS;
    return back > earliest ? back : earliest;
  }
  const last = unchecked.lastRecord?.offset;
  return last !== undefined && last >= earliest && last < from ? last : from;
}
