/** Bytes of unsent responses of all connections above which slow readers are closed. */
const SCARCE_BYTES = 128 << 20;
/** A connection is slow if it takes less than `MIN_BYTES` in this time, and has as many unsent. */
const SLOW_MS = 5_000;
const MIN_BYTES = 64 << 10;

/** A connection with unsent bytes. */
interface Reader {
  readonly unsentBytes: number;
  readonly flushedBytes: number;
}

interface Progress {
  readonly sinceMs: number;
  readonly flushedBytes: number;
}

/** Finds the clients that do not read their responses while these use much memory. */
export class SlowReaders<R extends Reader> {
  private progress = new Map<R, Progress>();

  constructor(private readonly scarceBytes = SCARCE_BYTES) {}

  /** @returns the connections to close. To be called about once a second. */
  find(readers: Iterable<R>, nowMs: number): R[] {
    const before = this.progress;
    this.progress = new Map();
    let unsent = 0;
    const slow: R[] = [];
    for (const reader of readers) {
      const { unsentBytes, flushedBytes } = reader;
      unsent += unsentBytes;
      if (unsentBytes < MIN_BYTES) continue;
      const known = before.get(reader);
      const moved = known === undefined || flushedBytes - known.flushedBytes >= MIN_BYTES;
      const progress = moved ? { sinceMs: nowMs, flushedBytes } : known;
      this.progress.set(reader, progress);
      if (nowMs - progress.sinceMs >= SLOW_MS) slow.push(reader);
    }
    return unsent > this.scarceBytes ? slow : [];
  }
}
