/** Maximum number of ranges: the two oldest ones of a full list become one. */
const MAX_RANGES = 256;

/** Unreadable records that follow each other become one range if they were received within this time. */
const JOINED_MS = 1_000;

/** Offsets whose records could not be read, and when they were received. */
export interface UnreadableRange {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
  /** Receipt in milliseconds: of the record, or of the one before a damaged batch; 0 if there was none. */
  readonly received: number;
}

/** A range, and how many of its records are unreadable: all, unless it was joined with one that does not adjoin it. */
export interface CountedRange extends UnreadableRange {
  readonly records: number;
}

/** The records of the log that the fold skipped because they could not be read. Each offset is noted once. */
export class UnreadableRanges {
  private ranges: CountedRange[] = [];

  note(range: UnreadableRange): void {
    this.add({ ...range, records: range.to - range.from });
  }

  get count(): number {
    return this.ranges.reduce((sum, { records }) => sum + records, 0);
  }

  /** All ranges, oldest note first. */
  list(): readonly CountedRange[] {
    return [...this.ranges];
  }

  /** Those that were received up to a moment. */
  listUntil(at: number): readonly CountedRange[] {
    return this.ranges.filter(({ received }) => received <= at);
  }

  /** Adds ranges that another list had. */
  addAll(ranges: readonly CountedRange[]): void {
    for (const range of ranges) this.add(range);
  }

  clear(): void {
    this.ranges = [];
  }

  private add(range: CountedRange): void {
    const at = this.ranges.findLastIndex(
      ({ topic, partition, to, received }) =>
        topic === range.topic &&
        partition === range.partition &&
        to === range.from &&
        range.received - received <= JOINED_MS,
    );
    if (at !== -1) this.ranges[at] = join(this.ranges[at]!, range);
    else this.ranges.push(range);
    if (this.ranges.length > MAX_RANGES) this.joinOldest();
  }

  /** Joins the two oldest ranges of one partition. With more partitions than ranges, the two oldest of all. */
  private joinOldest(): void {
    const names = new Map<string, number>();
    for (const [at, { topic, partition }] of this.ranges.entries()) {
      const name = `${topic}-${partition}`;
      const before = names.get(name);
      if (before !== undefined) return this.joinInto(before, at);
      names.set(name, at);
    }
    this.joinInto(0, 1);
  }

  private joinInto(first: number, second: number): void {
    this.ranges[first] = join(this.ranges[first]!, this.ranges[second]!);
    this.ranges.splice(second, 1);
  }
}

/** The earlier receipt counts: rather a warning too early than none. */
function join(one: CountedRange, other: CountedRange): CountedRange {
  return {
    ...one,
    from: Math.min(one.from, other.from),
    to: Math.max(one.to, other.to),
    received: Math.min(one.received, other.received),
    records: one.records + other.records,
  };
}
