import { batchGroup } from '@hailstream/events';
import {
  isRedrivenForAnother,
  type Admin,
  type ConsumerGap,
  type LogRecord,
  type RangeBatch,
  type RangeReader,
  type UndecodableBatch,
} from '@hailstream/log';
import type pg from 'pg';
import type { InspectedPartition } from '../positions/inspect.js';
import type { ResetTarget } from '../positions/reset-target.js';
import { isRefusal } from '../positions/verdict.js';
import { boundOffsets } from '../ranges/bound-offsets.js';
import { RecordedRejects } from '../rejects/recorded-rejects.postgres.js';
import { dayOf } from '../rows/day.js';
import type { RowKey } from '../rows/row-keys.js';
import { eventKeyIn } from '../rows/event-key.js';
import type { Table } from '../rows/tables.js';
import { completeFrom, readLogStart } from '../ranges/log-start.js';
import type { PendingRejects } from './pending-rejects.js';
import type { RemovedEvents } from './removed-events.postgres.js';
import { RowMarks, type RowPlace } from './row-marks.js';
import { StoredRows, type ReceivedWindow, type TablePartition } from './stored-rows.postgres.js';
import { MAX_NAMED, TopicTally } from './topic-tally.js';
import type { ExtraRow, PartitionResult, TopicVerification } from './verify-result.js';

/** Records that are looked up at once. */
const CHUNK_RECORDS = 10_000;
/** Records are read this long after the end of a time window, because they are not exactly in the order of their timestamps. */
const OUT_OF_ORDER_MS = 600_000;

/** The part of the log that is compared. */
export interface VerifyWindow {
  readonly from: ResetTarget;
  readonly to: ResetTarget;
  /** Only this partition. */
  readonly partition: number | undefined;
}

interface TopicVerifierOptions {
  /** Its transaction is the snapshot in which `inspected` was read, before anything else. */
  readonly client: pg.ClientBase;
  readonly admin: Admin;
  readonly reader: RangeReader;
  readonly table: Table;
  readonly inspected: readonly InspectedPartition[];
  readonly pending: PendingRejects;
  readonly window: VerifyWindow;
  readonly maxRowsPerPage: number;
  /** Whether the receipt of every row was stored since the first load, unless it was not a time. */
  readonly isReceiptKnown: boolean;
  readonly removed: RemovedEvents;
  readonly signal: AbortSignal;
  /** Called with the number of offsets that were passed. */
  readonly onPassed: (offsets: bigint) => void;
}

/** Offsets of one partition that are compared with the tables. */
interface ComparedRange {
  readonly inspected: InspectedPartition;
  readonly from: bigint;
  /** The position, or the end of the window before it. */
  readonly to: bigint;
  /** End of the log, or of the window: records from `to` to this one are not loaded yet. */
  readonly end: bigint;
}

/**
 * Compares one topic with its table. Each record of the window is looked up by its key, and the physical place of its row is
 * marked in a bitmap, so that memory does not depend on the number of events. A row that is not marked afterwards has no record.
 */
export class TopicVerifier {
  private readonly rows: StoredRows;
  private readonly rejects: RecordedRejects;
  private readonly tally = new TopicTally();
  private readonly marks: RowMarks;
  private readonly findings: string[] = [];
  private readonly notes: string[] = [];
  private readonly ahead = new Map<number, number>();
  private undecodable = 0;
  private skipped = 0;

  private constructor(
    private readonly options: TopicVerifierOptions,
    private readonly ranges: readonly ComparedRange[],
  ) {
    this.rows = new StoredRows(options.client, options.table);
    this.rejects = new RecordedRejects(options.client);
    this.marks = new RowMarks(options.maxRowsPerPage);
  }

  /** Determines the ranges to read. */
  static async plan(options: TopicVerifierOptions): Promise<TopicVerifier> {
    const { admin, window, inspected } = options;
    const comparable = inspected.filter(({ isInLog, verdict }) => isInLog && !isRefusal(verdict));
    const { from, to } = window;
    const froms = await boundOffsets(admin, comparable, from);
    const tos = await boundOffsets(
      admin,
      comparable,
      to.kind === 'time' ? { kind: 'time', timestampMs: to.timestampMs + OUT_OF_ORDER_MS } : to,
    );
    const ranges = comparable.map((each) => {
      const { partition, earliest, stable, stored } = each;
      const start = clamp(froms.get(partition)!, earliest, stable);
      const end = clamp(tos.get(partition)!, start, stable);
      return { inspected: each, from: start, to: clamp(stored?.nextOffset ?? earliest, start, end), end };
    });
    return new TopicVerifier(options, ranges);
  }

  /** Number of offsets that are compared. */
  get total(): bigint {
    return this.ranges.reduce((sum, { from, to }) => sum + to - from, 0n);
  }

  async verify(): Promise<TopicVerification> {
    const { inspected } = this.options;
    for (const each of inspected.filter(({ verdict }) => isRefusal(verdict))) {
      const position = `position ${each.stored?.nextOffset ?? 'none'}, log ${each.earliest} to ${each.latest}`;
      this.findings.push(
        `partition ${each.partition}: loads refuse the position (${each.verdict}; ${position}), nothing was compared`,
      );
    }
    await this.read(
      this.ranges.map(({ inspected: each, from, to }) => ({ inspected: each, from, to })),
      (batch) => this.compare(batch),
    );
    const extraRows = await this.findExtra();
    return this.result(extraRows);
  }

  private async read(
    ranges: readonly { readonly inspected: InspectedPartition; readonly from: bigint; readonly to: bigint }[],
    handle: (batch: RangeBatch) => Promise<void>,
    isCounted = true,
  ): Promise<void> {
    const { reader, signal, onPassed } = this.options;
    const nonEmpty = ranges.filter(({ from, to }) => from < to);
    if (nonEmpty.length === 0) return;
    const read = await reader.readRange({
      ranges: nonEmpty.map(({ inspected: { topic, partition, present }, from, to }) => ({
        topic,
        partition,
        topicId: present!.topicId,
        from,
        to,
      })),
      signal,
      maxBatchRecords: CHUNK_RECORDS,
      onGap: (gap) => (isCounted ? this.passGap(gap) : undefined),
      onUndecodable: (batch) => (isCounted ? this.compareUndecodable(batch) : undefined),
    });
    for await (const batch of read) {
      await handle(batch);
      if (isCounted) onPassed(batch.nextOffset - batch.from);
    }
  }

  private async compare({ topic, partition, from, nextOffset, records }: RangeBatch): Promise<void> {
    const own = records.filter((record) => !isRedrivenForAnother(record, batchGroup));
    this.skipped += Number(nextOffset - from) - own.length;
    const members = own.filter((record) => this.isInWindow(record));
    const rejects = await this.rejects.of({ topic, partition }, members);
    const keys = members.map(({ value }) => eventKeyIn(this.options.table.family, value));
    const places = await this.locate(keys);
    for (const [index, { offset, value }] of members.entries()) {
      const key = keys[index];
      const day = key && dayOf(key.timeMs);
      const found = places[index]!;
      const isNew = found.map((place) => this.marks.mark(place)).includes(true);
      if (rejects.get(offset) === 'open' || this.isPending(topic, partition, offset, found)) {
        this.tally.add(partition, day, 'rejects');
      } else if (found.length > 0) this.tally.add(partition, day, isNew ? 'rows' : 'repeats');
      else if (this.options.removed.include(this.options.table.name, key, value)) {
        this.tally.add(partition, day, 'removed');
      } else {
        const { id = null, providerId = null } = key ?? {};
        this.tally.addMissing({ partition, offset: Number(offset), id, providerId }, day);
      }
    }
  }

  /** A dead letter that is not loaded yet. Of a record with a row, it is an old one that was redriven. */
  private isPending(topic: string, partition: number, offset: bigint, found: readonly RowPlace[]): boolean {
    return found.length === 0 && this.options.pending.has({ topic, partition }, offset);
  }

  /** Returns the rows of each key: the one with its event time, otherwise those with another event time. */
  private async locate(keys: readonly (RowKey | undefined)[]): Promise<(readonly RowPlace[])[]> {
    const places: RowPlace[][] = keys.map(() => []);
    const readable = [...keys.keys()].filter((index) => keys[index] !== undefined);
    const exact = await this.rows.withKeys(readable.map((index) => keys[index]!));
    const others: number[] = [];
    for (const [at, index] of readable.entries()) {
      const place = exact[at];
      if (place === undefined) others.push(index);
      else places[index]!.push(place);
    }
    const found = await this.rows.withIds(others.map((index) => keys[index]!));
    for (const [at, index] of others.entries()) places[index]!.push(...found[at]!);
    return places;
  }

  private async compareUndecodable(batch: UndecodableBatch): Promise<void> {
    const { topic, partition, baseOffset, lastOffset } = batch;
    this.undecodable += 1;
    const isReject =
      (await this.rejects.hasBatch(batch)) ||
      this.options.pending.hasIn({ topic, partition }, baseOffset, lastOffset);
    if (isReject) this.tally.add(partition, undefined, 'rejects');
    else {
      const missing = { partition, offset: Number(baseOffset), id: null, providerId: null };
      this.tally.addMissing(missing, undefined);
    }
    this.options.onPassed(lastOffset - baseOffset + 1n);
  }

  private async passGap({ topic, partition, expected, found, cause }: ConsumerGap): Promise<void> {
    const offsets = `partition ${partition}: offsets ${expected} to ${found - 1n}`;
    this.options.onPassed(found - expected);
    if (cause !== 'unexplained') {
      this.notes.push(`${offsets} were deleted by the log while they were read`);
      return;
    }
    // An operator has moved the position past them.
    const { rows } = await this.options.client.query<{ known: boolean }>(
      `SELECT EXISTS (SELECT FROM ride.log_gaps
         WHERE topic = $1 AND partition = $2 AND from_offset <= $3 AND to_offset >= $4) AS known`,
      [topic, partition, expected.toString(), found.toString()],
    );
    if (rows[0]!.known) this.notes.push(`${offsets} were left out by the log and are in ride.log_gaps`);
    else this.findings.push(`${offsets} were left out by the log without a reason`);
  }

  private isInWindow({ timestampMs }: LogRecord): boolean {
    const { from, to } = this.options.window;
    return (
      !(from.kind === 'time' && timestampMs < from.timestampMs) &&
      !(to.kind === 'time' && timestampMs >= to.timestampMs)
    );
  }

  /** Returns rows without a record; `undefined` if that cannot be determined. */
  private async findExtra(): Promise<readonly ExtraRow[] | undefined> {
    if (!this.canFindExtra()) return undefined;
    const window = await this.extraWindow();
    if (window === undefined) return [];
    const suspect: TablePartition[] = [];
    for (const partition of await this.rows.partitions()) {
      if ((await this.rows.count(partition)) !== this.marks.countOf(partition.table)) suspect.push(partition);
    }
    if (suspect.length === 0) return [];
    const aheadMarks = new RowMarks(this.options.maxRowsPerPage);
    await this.read(
      this.ranges.map(({ inspected, to, end }) => ({ inspected, from: to, to: end })),
      (batch) => this.markAhead(batch, aheadMarks),
      false,
    );
    const extra: ExtraRow[] = [];
    for (const partition of suspect) {
      const isExtra = (place: RowPlace) => !this.marks.has(place) && !aheadMarks.has(place);
      const places: RowPlace[] = [];
      for await (const rows of this.rows.scan(partition, window)) {
        this.options.signal.throwIfAborted();
        for (const { place, day } of rows) {
          if (!isExtra(place)) continue;
          this.tally.addExtra(day);
          if (extra.length + places.length < MAX_NAMED) places.push(place);
        }
      }
      if (places.length > 0) extra.push(...(await this.rows.describe(partition, places)));
    }
    return extra;
  }

  /** Marks rows of records at or after the position, which only a position that was moved back explains. */
  private async markAhead({ partition, records }: RangeBatch, aheadMarks: RowMarks): Promise<void> {
    const members = records.filter(
      (record) => !isRedrivenForAnother(record, batchGroup) && this.isInWindow(record),
    );
    const places = await this.locate(
      members.map(({ value }) => eventKeyIn(this.options.table.family, value)),
    );
    const found = places.flat().filter((place) => !this.marks.has(place) && aheadMarks.mark(place)).length;
    if (found > 0) this.ahead.set(partition, (this.ahead.get(partition) ?? 0) + found);
  }

  /** Rows have no partition and no offset, only the time of receipt. */
  private canFindExtra(): boolean {
    const { window, inspected } = this.options;
    const { from, to, partition } = window;
    if (from.kind === 'offset' || to.kind === 'offset' || partition !== undefined) {
      this.notes.push(
        'extra rows are not determined: a row does not have the partition and offset of its record',
      );
      return false;
    }
    if (this.findings.length === 0 && this.ranges.length === inspected.length) return true;
    this.notes.push('extra rows are not determined, because not all offsets could be compared');
    return false;
  }

  /** The rows that must have a record; `undefined` if rows are not compared. */
  private async extraWindow(): Promise<ReceivedWindow | undefined> {
    const { window, reader, isReceiptKnown, signal } = this.options;
    const { from, to } = window;
    const starts = [];
    for (const { inspected } of this.ranges) starts.push(await readLogStart(reader, inspected, signal));
    const logFromMs = completeFrom(starts);
    if (logFromMs === Infinity) {
      this.notes.push('rows are not compared: the log has no records');
      return undefined;
    }
    const fromMs = Math.max(logFromMs, from.kind === 'time' ? from.timestampMs : -Infinity);
    this.notes.push(`rows received before ${new Date(fromMs).toISOString()} are not compared`);
    const isWhole = starts.every(({ isDeletedBefore }) => !isDeletedBefore);
    return {
      fromMs,
      toMs: to.kind === 'time' ? to.timestampMs : undefined,
      includesUnknown: isWhole && isReceiptKnown && from.kind !== 'time' && to.kind !== 'time',
    };
  }

  private result(extraRows: readonly ExtraRow[] | undefined): TopicVerification {
    const { tally, undecodable, skipped, options } = this;
    const findings = [...this.findings];
    for (const [partition, count] of this.ahead) {
      const position = options.inspected.find((each) => each.partition === partition)?.stored?.nextOffset;
      findings.push(
        `partition ${partition}: ${count} rows are of records at or after the position (${position ?? 'none'}), which was moved back`,
      );
    }
    const ahead = [...this.ahead.values()].reduce((sum, count) => sum + count, 0);
    const partitions = options.inspected.map((each): [string, PartitionResult] => [
      String(each.partition),
      {
        position: each.stored === undefined ? null : Number(each.stored.nextOffset),
        logStart: Number(each.earliest),
        logEnd: Number(each.stable),
        verdict: each.verdict,
        ...tally.ofPartition(each.partition),
        days: tally.days(each.partition),
      },
    ]);
    return {
      ...tally.total,
      extra: extraRows === undefined ? null : tally.extra,
      ahead,
      undecodable,
      skipped,
      partitions: Object.fromEntries(partitions),
      days: tally.days(),
      firstMissing: tally.firstMissing,
      firstExtra: extraRows ?? [],
      findings,
      notes: this.notes,
    };
  }
}

function clamp(offset: bigint, from: bigint, to: bigint): bigint {
  if (offset < from) return from;
  return offset > to ? to : offset;
}
