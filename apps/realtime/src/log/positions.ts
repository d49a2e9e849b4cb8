/** Longest that the position of a partition may stay where it is while there are records behind it. */
export const STALLED_AFTER_MS = 30_000;

/** Offsets of one partition: where reading began, what is folded next, where the log ended when last heard of. */
interface Position {
  readonly topic: string;
  readonly partition: number;
  readonly start: bigint;
  next: bigint;
  end: bigint;
  /** How far it can be read now: while a transaction is open, less far than it goes. */
  committed: bigint;
  /** As {@link LogPositions.observe} last found it: the position, and since when it has been there with records behind it. */
  seenNext: bigint;
  seenSince: number | null;
}

/** Where a partition is to be read from, and where it ended when that was asked. */
export interface Bounds {
  readonly start: bigint;
  readonly end: bigint;
}

/** A partition whose position does not move although there are records behind it. */
export interface Stall {
  readonly topic: string;
  readonly partition: number;
  readonly next: bigint;
  readonly behind: bigint;
}

/** How far the log was read: each partition's position, and how much there was to catch up with at start. */
export class LogPositions {
  private readonly positions = new Map<string, Position>();
  /** Where each partition ended at start, for those not caught up with yet. */
  private readonly goals = new Map<string, bigint>();
  private toCatchUp = 0n;
  private isBegun = false;

  /** Sets out to read a partition. */
  begin(topic: string, partition: number, { start, end }: Bounds): void {
    const key = `${topic}:${partition}`;
    this.positions.set(key, newPosition({ topic, partition, start, end }));
    if (end > start) this.goals.set(key, end);
    this.toCatchUp += end > start ? end - start : 0n;
    this.isBegun = true;
  }

  /** Forgets everything: what was read is of another log. */
  clear(): void {
    this.positions.clear();
    this.goals.clear();
    this.toCatchUp = 0n;
    this.isBegun = false;
  }

  /** Whether a record was not folded before: a batch may come again. */
  isNew(topic: string, partition: number, offset: bigint): boolean {
    const position = this.positions.get(`${topic}:${partition}`);
    return position === undefined || offset >= position.next;
  }

  /** All before `next` is folded. */
  advance(topic: string, partition: number, next: bigint): void {
    const key = `${topic}:${partition}`;
    const position = this.positions.get(key) ?? newPosition({ topic, partition, start: next, end: next });
    this.positions.set(key, position);
    if (next > position.next) position.next = next;
    const goal = this.goals.get(key);
    if (goal !== undefined && position.next >= goal) this.goals.delete(key);
  }

  /** The partition is now known to end at `end`. */
  ends(topic: string, partition: number, end: bigint): void {
    const position = this.positions.get(`${topic}:${partition}`);
    if (position !== undefined && end > position.end) position.end = end;
  }

  /** The partition can be read up to `end` now. */
  committedTo(topic: string, partition: number, end: bigint): void {
    const position = this.positions.get(`${topic}:${partition}`);
    if (position !== undefined) position.committed = end;
  }

  /** What is folded next in each partition of a topic. */
  nextOf(topic: string): ReadonlyMap<number, bigint> {
    const ofTopic = [...this.positions.values()].filter((position) => position.topic === topic);
    return new Map(ofTopic.map(({ partition, next }) => [partition, next]));
  }

  /**
   * Notes which partitions have moved since the last call; `now` is a monotonic clock. Returns those that have not for
   * {@link STALLED_AFTER_MS}, although there are records behind their position.
   */
  observe(now: number): Stall[] {
    const stalls: Stall[] = [];
    for (const position of this.positions.values()) {
      const { topic, partition, next, committed } = position;
      if (next >= committed) position.seenSince = null;
      else if (next !== position.seenNext || position.seenSince === null) position.seenSince = now;
      else if (now - position.seenSince >= STALLED_AFTER_MS)
        stalls.push({ topic, partition, next, behind: committed - next });
      position.seenNext = next;
    }
    return stalls;
  }

  /** Records between what is folded and the end of the log, as far as it is known. */
  get lagRecords(): bigint {
    let lag = 0n;
    for (const { next, end } of this.positions.values()) if (end > next) lag += end - next;
    return lag;
  }

  /** Whether it is known how much there is to catch up with. */
  get hasGoals(): boolean {
    return this.isBegun;
  }

  /** Whether all that was in the log at start is folded. */
  get isCaughtUp(): boolean {
    return this.isBegun && this.goals.size === 0;
  }

  /** How much of what was in the log at start is folded. */
  get progress(): { readonly folded: bigint; readonly of: bigint } {
    let missing = 0n;
    for (const [key, goal] of this.goals) missing += goal - (this.positions.get(key)?.next ?? 0n);
    return { folded: this.toCatchUp - missing, of: this.toCatchUp };
  }
}

function newPosition(of: { topic: string; partition: number; start: bigint; end: bigint }): Position {
  return { ...of, next: of.start, committed: of.end, seenNext: of.start, seenSince: null };
}
