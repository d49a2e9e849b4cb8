import { partitionName, type LogRecord } from '@hailstream/log';
import type { KnownRecords } from '../positions/known-records.postgres.js';
import { digestOf } from '../positions/position.js';
import type { LogPositions } from '../positions/positions.postgres.js';
import type { Tables } from '../rows/tables.js';
import { LoadError } from './load.errors.js';
import type { LogPartition } from '../positions/log-partition.js';

/** Offsets before a position that is bound to no log which are compared with the database. */
export const LOOK_BACK_OFFSETS = 100n;

export interface LogCheckOptions {
  readonly positions: LogPositions;
  readonly known: KnownRecords;
  readonly tables: Tables;
}

/**
 * Compares what lies before a position with what was loaded, before anything after it is loaded. Identities tell one log
 * from another; this also finds a log that was set back to an earlier state, lost its end, or was copied to other offsets.
 *
 * A position that a load has moved knows its last record: the log must have that one there, unless it was deleted since.
 * A position that is bound to no log must have records before it that the database knows, and is bound then.
 */
export class LogCheck {
  /** Where reading starts: at the position, or before it. */
  readonly from: bigint;
  private compared = 0;
  private isDone = false;

  constructor(
    private readonly partition: LogPartition,
    private readonly options: LogCheckOptions,
  ) {
    this.from = readFrom(partition);
  }

  /** Whether a position is the one that is to be checked: another process has checked what it moved. */
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

  /** There is nothing more before the position. */
  async finish(): Promise<void> {
    const { unchecked, identity } = this.partition;
    if (this.isDone || unchecked === undefined) return;
    if (unchecked.identity === undefined) {
      if (this.compared === 0) throw this.refusal('there is no record before it that could be compared');
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
    const unknown = await this.options.known.unknownOf(table, this.partition, records);
    if (unknown.length > 0) throw this.refusal(`the record at offset ${unknown[0]} was never loaded`);
  }

  private refusal(reason: string): LoadError {
    const { topic, unchecked } = this.partition;
    const lines = [
      `${partitionName(this.partition.topic, this.partition.partition)}: the position ${unchecked?.nextOffset} does not belong to this log: ${reason}.`,
      'Nothing is loaded, as records would be skipped.',
      '  To load the log from its first record (an event that was loaded before is not loaded twice):',
      `    npm run batch -- positions reset --topic ${topic} --to earliest`,
      '  To keep the position all the same:',
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
