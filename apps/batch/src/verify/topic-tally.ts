import { startOf, type Day } from '../rows/day.js';

/** Records and rows that are named in a result at most, per topic. The others are counted. */
export const MAX_NAMED = 20;
/** Event days outside of these are counted as unknown, so that records with arbitrary times do not create many days. */
const FIRST_DAY = 10_957;
const LAST_DAY = 47_482;
const UNKNOWN = 'unknown';

/**
 * Results for the records that were read, each of which is counted once: `log` is `rows + repeats + rejects +
 * removed + missing`.
 *
 * - `rows`: the event has a row that no earlier record has. `repeats`: it has a row that an earlier record has.
 * - `rejects`: the record is in `ride.rejects`, or in the dead-letter queue and not loaded yet.
 * - `removed`: the event is older than `BATCH_RETENTION`, or of an erased rider or device: it has no row by intention.
 * - `missing`: none of these.
 */
export interface RecordCounts {
  readonly log: number;
  readonly rows: number;
  readonly repeats: number;
  readonly rejects: number;
  readonly removed: number;
  readonly missing: number;
}

type Outcome = Exclude<keyof RecordCounts, 'log'>;

/** A record without a row and without a reject. */
export interface MissingRecord {
  readonly partition: number;
  readonly offset: number;
  /** `null` if the record has no readable id. */
  readonly id: string | null;
  readonly providerId: string | null;
  /** Event day (UTC), `unknown` if the record has no readable one. */
  readonly day: string;
}

type MutableCounts = { -readonly [Name in keyof RecordCounts]: number };

/** Counts the records of one topic by partition and event day. */
export class TopicTally {
  private readonly counts = new Map<string, { partition: number; day: string; counts: MutableCounts }>();
  private readonly extraByDay = new Map<string, number>();
  readonly firstMissing: MissingRecord[] = [];

  add(partition: number, day: Day | undefined, outcome: Outcome): void {
    const name = dayName(day);
    const key = `${partition}/${name}`;
    let entry = this.counts.get(key);
    if (entry === undefined) {
      entry = { partition, day: name, counts: noCounts() };
      this.counts.set(key, entry);
    }
    entry.counts.log += 1;
    entry.counts[outcome] += 1;
  }

  addMissing(missing: Omit<MissingRecord, 'day'>, day: Day | undefined): void {
    this.add(missing.partition, day, 'missing');
    if (this.firstMissing.length < MAX_NAMED) this.firstMissing.push({ ...missing, day: dayName(day) });
  }

  addExtra(day: Day): void {
    const name = dayName(day);
    this.extraByDay.set(name, (this.extraByDay.get(name) ?? 0) + 1);
  }

  get extra(): number {
    return [...this.extraByDay.values()].reduce((sum, count) => sum + count, 0);
  }

  get total(): RecordCounts {
    return this.sum(() => true);
  }

  ofPartition(partition: number): RecordCounts {
    return this.sum((entry) => entry.partition === partition);
  }

  /** Counts by event day, in order. */
  days(partition?: number): Record<string, RecordCounts & { readonly extra?: number }> {
    const names = new Set([...this.counts.values()].map(({ day }) => day));
    if (partition === undefined) for (const day of this.extraByDay.keys()) names.add(day);
    return Object.fromEntries(
      [...names].toSorted().flatMap((day) => {
        const counts = this.sum(
          (entry) => entry.day === day && (partition === undefined || entry.partition === partition),
        );
        if (partition === undefined) return [[day, { ...counts, extra: this.extraByDay.get(day) ?? 0 }]];
        return counts.log === 0 ? [] : [[day, counts]];
      }),
    );
  }

  private sum(
    selects: (entry: { readonly partition: number; readonly day: string }) => boolean,
  ): RecordCounts {
    const total = noCounts();
    for (const entry of this.counts.values()) {
      if (!selects(entry)) continue;
      for (const name of Object.keys(total) as (keyof RecordCounts)[]) total[name] += entry.counts[name];
    }
    return total;
  }
}

function noCounts(): MutableCounts {
  return { log: 0, rows: 0, repeats: 0, rejects: 0, removed: 0, missing: 0 };
}

function dayName(day: Day | undefined): string {
  return day === undefined || day < FIRST_DAY || day > LAST_DAY ? UNKNOWN : startOf(day).slice(0, 10);
}
