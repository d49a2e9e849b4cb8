import { describe, expect, it } from 'vitest';
import { DuplicateTally } from './duplicate-tally.js';
import { RowKeys } from './row-keys.js';

const PROVIDERS = ['00000000-0000-4000-8000-00000000000b', '00000000-0000-4000-8000-00000000000a'];
const HOUR_MS = 3_600_000;

/** Rows of two providers in turn, half an hour apart. */
function makeKeys(count: number, fromMs = 0): RowKeys {
  const keys = new RowKeys(count);
  for (let row = 0; row < count; row += 1) {
    const id = `00000000-0000-4000-8000-${row.toString(16).padStart(12, '0')}`;
    keys.add(keys.wordsOf(id, PROVIDERS[row % 2]!), { idAt: 0, providerAt: 4 }, fromMs + row * (HOUR_MS / 2));
  }
  return keys;
}

describe(DuplicateTally, () => {
  it('counts by provider and hour, in the order of hours and providers', () => {
    const duplicates = new DuplicateTally(makeKeys(8));
    duplicates.addMissing([0, 1, 2, 3, 4, 6, 7], [1, 4]);
    duplicates.add(1);
    duplicates.add(0, HOUR_MS + 1);
    const [b, a] = PROVIDERS as [string, string];
    expect(duplicates.byHour()).toEqual([
      { providerId: a, hourMs: 0, records: 1 },
      { providerId: b, hourMs: 0, records: 1 },
      { providerId: a, hourMs: HOUR_MS, records: 1 },
      { providerId: b, hourMs: HOUR_MS, records: 2 },
      { providerId: a, hourMs: 3 * HOUR_MS, records: 1 },
      { providerId: b, hourMs: 3 * HOUR_MS, records: 1 },
    ]);
    expect(duplicates.count).toBe(7);
  });

  it('counts hours before 1970', () => {
    const duplicates = new DuplicateTally(makeKeys(2, -1));
    duplicates.addMissing([0, 1], []);
    expect(duplicates.byHour()).toEqual([
      { providerId: PROVIDERS[0], hourMs: -HOUR_MS, records: 1 },
      { providerId: PROVIDERS[1], hourMs: 0, records: 1 },
    ]);
  });

  it('counts nothing if no row is missing', () => {
    const duplicates = new DuplicateTally(makeKeys(3));
    duplicates.addMissing([0, 1, 2], [0, 1, 2]);
    expect([duplicates.count, duplicates.byHour()]).toEqual([0, []]);
  });
});
