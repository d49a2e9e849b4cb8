import { createHash } from 'node:crypto';
import type { Event } from '../../router-file/filter.js';
import type { BlockRecord, ObjectFormat, RecordCollector } from './formats/object-format.js';
import { hourOf, objectKey, type BlockRange } from './layout.js';
import { hourName, type StoredObject } from './manifests.js';

/** An hour has an object of its own if it has at least this many records and this share of the block. */
const MIN_HOUR_RECORDS = 100;
const MIN_HOUR_SHARE = 0.01;
/** The hours with most records have objects of their own in any case. */
const LARGEST_HOURS = 2;

/** An object to store: its description and its bytes. */
export interface EncodedObject {
  readonly stored: StoredObject;
  readonly bytes: Buffer;
}

/** The records of a block, in the order of the log. */
export class BlockRecords {
  private readonly collector: RecordCollector;
  private readonly times: number[] = [];
  private readonly erased = new Set<number>();
  private readonly offsets: bigint[] = [];
  private firstReceivedMs = 0;

  constructor(
    private readonly format: ObjectFormat,
    partition: number,
  ) {
    this.collector = format.collect(partition);
  }

  get count(): number {
    return this.times.length;
  }

  /** Offsets of the records that are not stored. */
  get erasedOffsets(): readonly bigint[] {
    return this.offsets;
  }

  /**
   * Adds the next record. `event` is its parsed value. An erased record is not stored, but counts for which hours have objects, so
   * that this does not depend on when it was erased.
   */
  push(record: BlockRecord, event: Event, isErased = false): void {
    if (isErased) {
      this.erased.add(this.times.length);
      this.offsets.push(record.offset);
    }
    if (this.times.length === 0) this.firstReceivedMs = record.receivedMs;
    this.times.push(record.timeMs);
    this.collector.push(record, event);
  }

  /**
   * Encodes the records, once only, as one object per hour; hours with few records share one object of late records. Equal blocks give
   * equal objects.
   */
  async encode(prefix: string, range: BlockRange): Promise<EncodedObject[]> {
    const { extension } = this.format;
    const groups = [...groupByHour(this.times)]
      .map(([group, rows]) => [group, rows.filter((row) => !this.erased.has(row))] as const)
      .filter(([, rows]) => rows.length > 0);
    const encoded = await this.collector.encode(groups.map(([, rows]) => Uint32Array.from(rows)));
    const objects = groups.map(([group, rows], index): EncodedObject => {
      const isLate = group === 'late';
      const hourMs = isLate ? hourOf(this.firstReceivedMs) : group;
      const key = objectKey(prefix, range, { hourMs, isLate, extension });
      const bytes = encoded[index]!;
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const stored = {
        key,
        records: rows.length,
        sizeBytes: bytes.length,
        sha256,
        hours: namedCounts(countByHour(rows.map((row) => this.times[row]!))),
      };
      return { stored, bytes };
    });
    return objects.toSorted((a, b) => (a.stored.key < b.stored.key ? -1 : 1));
  }
}

/** Numbers of the records by the hour of their object. */
function groupByHour(times: readonly number[]): Map<number | 'late', number[]> {
  const ownHours = hoursWithObjects(times);
  const groups = new Map<number | 'late', number[]>();
  for (const [row, timeMs] of times.entries()) {
    const hour = hourOf(timeMs);
    const group = ownHours.has(hour) ? hour : 'late';
    const members = groups.get(group);
    if (members) members.push(row);
    else groups.set(group, [row]);
  }
  return groups;
}

/** The hours that have an object of their own. The others are late: few of their records are in the block. */
function hoursWithObjects(times: readonly number[]): ReadonlySet<number> {
  const bySize = [...countByHour(times)].toSorted(([hourA, a], [hourB, b]) => b - a || hourB - hourA);
  const fewest = Math.max(MIN_HOUR_RECORDS, times.length * MIN_HOUR_SHARE);
  return new Set(
    bySize.filter(([, count], rank) => rank < LARGEST_HOURS || count >= fewest).map(([hour]) => hour),
  );
}

function countByHour(times: readonly number[]): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const timeMs of times) {
    const hour = hourOf(timeMs);
    counts.set(hour, (counts.get(hour) ?? 0) + 1);
  }
  return counts;
}

function namedCounts(counts: ReadonlyMap<number, number>): Record<string, number> {
  return Object.fromEntries(
    [...counts].toSorted(([a], [b]) => a - b).map(([hour, count]) => [hourName(hour), count]),
  );
}
