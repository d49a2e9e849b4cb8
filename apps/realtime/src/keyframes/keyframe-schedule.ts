import { KEYFRAME_RECORDS } from '../archive/keyframe.js';

/** After a keyframe, the next one waits for this multiple of the time that it took: 5 % of a core at most. */
const PAUSE_FACTOR = 20;

/** When the next keyframe is written. Times are those of a clock that never goes back, in milliseconds. */
export class KeyframeSchedule {
  /** Records folded before the last keyframe, and when the first record after it was seen. */
  private writtenAtRecords = 0n;
  private dirtySince: number | null = null;
  private notBefore = 0;

  /** @param everyMs maximum time from a record to the keyframe that contains it */
  constructor(private readonly everyMs: number) {}

  /** A keyframe contains this many records. */
  noteWritten(records: bigint): void {
    this.writtenAtRecords = records;
    this.dirtySince = null;
  }

  /** Writing took this long, whether it failed or not. */
  pauseAfter({ startedAt, now }: { readonly startedAt: number; readonly now: number }): void {
    this.notBefore = now + (now - startedAt) * PAUSE_FACTOR;
  }

  /** Nothing is due before a time. */
  waitUntil(time: number): void {
    this.notBefore = time;
  }

  /** Whether records were folded that no keyframe contains. */
  isBehind(records: bigint): boolean {
    return records > this.writtenAtRecords;
  }

  isDue(records: bigint, now: number): boolean {
    if (!this.isBehind(records)) return false;
    this.dirtySince ??= now;
    const isDue =
      records - this.writtenAtRecords >= KEYFRAME_RECORDS || now - this.dirtySince >= this.everyMs;
    return isDue && now >= this.notBefore;
  }
}
