import { describe, expect, it } from 'vitest';
import { KEYFRAME_RECORDS } from '../archive/keyframe.js';
import { KeyframeSchedule } from './keyframe-schedule.js';

describe(KeyframeSchedule, () => {
  it('is due after a number of records, or some time after the first record', () => {
    const schedule = new KeyframeSchedule(60_000);
    schedule.noteWritten(5n);
    expect(schedule.isDue(5n, 1_000_000)).toBe(false);
    expect(schedule.isDue(6n, 1_000_000)).toBe(false);
    expect(schedule.isDue(7n, 1_059_999)).toBe(false);
    expect(schedule.isDue(7n, 1_060_000)).toBe(true);
    schedule.noteWritten(7n);
    expect(schedule.isDue(8n, 1_060_000)).toBe(false);
    expect(schedule.isDue(7n + KEYFRAME_RECORDS - 1n, 1_060_001)).toBe(false);
    expect(schedule.isDue(7n + KEYFRAME_RECORDS, 1_060_001)).toBe(true);
  });

  it('is not due for twenty times as long as the last keyframe took', () => {
    const schedule = new KeyframeSchedule(60_000);
    schedule.pauseAfter({ startedAt: 1_000, now: 1_100 });
    expect(schedule.isDue(KEYFRAME_RECORDS, 3_099)).toBe(false);
    expect(schedule.isDue(KEYFRAME_RECORDS, 3_100)).toBe(true);
    schedule.waitUntil(9_000);
    expect(schedule.isDue(KEYFRAME_RECORDS, 8_999)).toBe(false);
  });
});
