import { describe, expect, it } from 'vitest';
import { RowMarks, type RowPlace } from './row-marks.js';

describe(RowMarks, () => {
  it('returns whether a row is marked for the first time, and counts the rows of each table', () => {
    const marks = new RowMarks(291);
    const places: RowPlace[] = [1, 2].flatMap((table) =>
      [0, 1, 5_000].flatMap((page) => [1, 7, 8, 291].map((row) => ({ table, page, row }))),
    );
    for (const [index, place] of places.entries()) {
      expect(places.map((each) => marks.has(each))).toEqual(places.map((_, other) => other < index));
      expect(marks.mark(place)).toBe(true);
      expect(marks.mark(place)).toBe(false);
    }
    expect([1, 2, 3].map((table) => marks.countOf(table))).toEqual([12, 12, 0]);
  });

  it('separates the rows of a table whose bits exceed 32 bits', () => {
    const marks = new RowMarks(1);
    const far = { table: 1, page: 2 ** 31 + 3, row: 1 };
    expect(marks.has(far)).toBe(false);
    expect(marks.has({ ...far, page: 3 })).toBe(false);
  });
});
