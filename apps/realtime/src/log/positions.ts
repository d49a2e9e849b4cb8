/** Offsets of one partition: where reading began, what is folded next, where the log ended when last heard of. */
interface Position {
  readonly start: bigint;
  next: bigint;
  end: bigint;
}

/** Where a partition is to be read from, and where it ended when that was asked. */
export interface Bounds {
  readonly start: bigint;
  readonly end: bigint;
}

/** How far the log was read: each partition's position, and how much there was to catch up with at start. */
export class LogPositions {
  private readonly positions = new Map<string, Position>();
  /** Where each partition ended at start, for those not caught up with yet. */
  private readonly goals = new Map<string, bigint>();
  private toCatchUp = 0n;

  /** Sets out to read a partition. */
  begin(topic: string, partition: number, { start, end }: Bounds): void {
    const key = `${topic}:${partition}`;
    this.positions.set(key, { start, next: start, end });
    if (end > start) this.goals.set(key, end);
    this.toCatchUp += end > start ? end - start : 0n;
  }

  /** Whether a record was not folded before: a batch may come again. */
  isNew(topic: string, partition: number, offset: bigint): boolean {
    const position = this.positions.get(`${topic}:${partition}`);
    return position === undefined || offset >= position.next;
  }

  /** All before `next` is folded. */
  advance(topic: string, partition: number, next: bigint): void {
    const key = `${topic}:${partition}`;
    const position = this.positions.get(key) ?? { start: next, next, end: next };
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

  /** Records between what is folded and the end of the log, as far as it is known. */
  get lagRecords(): bigint {
    let lag = 0n;
    for (const { next, end } of this.positions.values()) if (end > next) lag += end - next;
    return lag;
  }

  /** Whether all that was in the log at start is folded. */
  get isCaughtUp(): boolean {
    return this.positions.size > 0 && this.goals.size === 0;
  }

  /** How much of what was in the log at start is folded. */
  get progress(): { readonly folded: bigint; readonly of: bigint } {
    let missing = 0n;
    for (const [key, goal] of this.goals) missing += goal - (this.positions.get(key)?.next ?? 0n);
    return { folded: this.toCatchUp - missing, of: this.toCatchUp };
  }
}
