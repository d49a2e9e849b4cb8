import { describe, expect, it } from 'vitest';
import { completeFrom } from './log-start.js';

const MARGIN = 600_000;
const whole = (firstMs?: number) => ({ isDeletedBefore: false, firstMs, movedMs: 5 });
const deleted = (firstMs?: number, movedMs?: number) => ({ isDeletedBefore: true, firstMs, movedMs });

describe(completeFrom, () => {
  it('is the first record of the topic if none was deleted', () => {
    expect(completeFrom([whole(900), whole(), whole(300)])).toBe(300);
  });

  it('is after the first remaining record of every partition of which records were deleted', () => {
    expect(completeFrom([whole(300), deleted(1_000), deleted(2_000)])).toBe(2_000 + MARGIN);
    expect(completeFrom([whole(5_000_000), deleted(1_000)])).toBe(5_000_000);
  });

  it('is after the last move of the position if no record of a partition remains', () => {
    expect(completeFrom([whole(300), deleted(undefined, 7_000), deleted(2_000)])).toBe(7_000 + MARGIN);
    expect(completeFrom([deleted()])).toBe(Infinity);
  });

  it('does not exist in a topic without records', () => {
    expect(completeFrom([whole(), whole()])).toBe(Infinity);
    expect(completeFrom([])).toBe(Infinity);
  });
});
