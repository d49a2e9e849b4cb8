import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { RowKeys } from './row-keys.js';

describe(RowKeys, () => {
  it('compares keys in the order of their texts: ids first, then providers', () => {
    const keys = new RowKeys(300);
    const ids = Array.from({ length: 100 }, () => randomUUID());
    for (const provider of Array.from({ length: 3 }, () => randomUUID())) {
      for (const id of ids) keys.add(keys.wordsOf(id, provider), { idAt: 0, providerAt: 4 }, 1);
    }
    const rows = Array.from({ length: keys.length }, (_, row) => row);
    const texts = (row: number): string => `${keys.at(row).id}${keys.at(row).providerId}`;
    expect(rows.toSorted((one, other) => keys.compare(one, other)).map(texts)).toEqual(
      rows.map(texts).toSorted(),
    );
  });
});
