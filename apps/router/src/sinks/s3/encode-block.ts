import { createHash } from 'node:crypto';
import { hourOf, objectKey, type BlockRange } from './layout.js';
import { hourName, type StoredObject } from './manifests.js';

/** An hour has an object of its own if it has at least this many records and this share of the block. */
const MIN_HOUR_RECORDS = 100;
const MIN_HOUR_SHARE = 0.01;
/** The hours with most records have objects of their own in any case. */
const LARGEST_HOURS = 2;

/** A record of a block. */
export interface BlockRecord {
  /** The time by which it is assigned to an hour: of the event or of its receipt, in milliseconds. */
  readonly timeMs: number;
  readonly offset: bigint;
  readonly receivedMs: number;
  /** A JSON object in UTF-8. */
  readonly value: Buffer;
}

/** A file format of objects. */
export interface ObjectFormat {
  readonly extension: string;
  /** Encodes records of one partition, in the order of the log. Equal records give equal bytes. */
  encode(records: readonly BlockRecord[], partition: number): Promise<Buffer>;
  /** The offsets of the records in an object, in their order. @throws Error if the bytes are of another format */
  offsets(bytes: Buffer): Promise<bigint[]>;
}

/** An object to store: its description and its bytes. */
export interface EncodedObject {
  readonly stored: StoredObject;
  readonly bytes: Buffer;
}

/**
 * Encodes the records of a block, in the order of the log, as one object per hour; hours with few records share one object
 * of late records. Equal blocks give equal objects.
 */
export async function encodeBlock(
  records: readonly BlockRecord[],
  options: {
    readonly prefix: string;
    readonly range: BlockRange;
    readonly format: ObjectFormat;
  },
): Promise<EncodedObject[]> {
  const { prefix, range, format } = options;
  const objects: EncodedObject[] = [];
  for (const [group, members] of groupByHour(records)) {
    const isLate = group === 'late';
    const hourMs = isLate ? hourOf(records[0]!.receivedMs) : group;
    const key = objectKey(prefix, range, { hourMs, isLate, extension: format.extension });
    const bytes = await format.encode(members, range.partition);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const stored = {
      key,
      records: members.length,
      sizeBytes: bytes.length,
      sha256,
      hours: countByHour(members),
    };
    objects.push({ stored, bytes });
  }
  return objects.toSorted((a, b) => (a.stored.key < b.stored.key ? -1 : 1));
}

function groupByHour(records: readonly BlockRecord[]): Map<number | 'late', BlockRecord[]> {
  const ownHours = hoursWithObjects(records);
  const groups = new Map<number | 'late', BlockRecord[]>();
  for (const record of records) {
    const hour = hourOf(record.timeMs);
    const group = ownHours.has(hour) ? hour : 'late';
    const members = groups.get(group);
    if (members) members.push(record);
    else groups.set(group, [record]);
  }
  return groups;
}

/** The hours that have an object of their own. The others are late: few of their records are in the block. */
function hoursWithObjects(records: readonly BlockRecord[]): ReadonlySet<number> {
  const counts = new Map<number, number>();
  for (const { timeMs } of records) {
    const hour = hourOf(timeMs);
    counts.set(hour, (counts.get(hour) ?? 0) + 1);
  }
  const bySize = [...counts].toSorted(([hourA, a], [hourB, b]) => b - a || hourB - hourA);
  const fewest = Math.max(MIN_HOUR_RECORDS, records.length * MIN_HOUR_SHARE);
  return new Set(
    bySize.filter(([, count], rank) => rank < LARGEST_HOURS || count >= fewest).map(([hour]) => hour),
  );
}

function countByHour(records: readonly BlockRecord[]): Record<string, number> {
  const counts = new Map<number, number>();
  for (const { timeMs } of records) counts.set(hourOf(timeMs), (counts.get(hourOf(timeMs)) ?? 0) + 1);
  return Object.fromEntries(
    [...counts].toSorted(([a], [b]) => a - b).map(([hour, count]) => [hourName(hour), count]),
  );
}
