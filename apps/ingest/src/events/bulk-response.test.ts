import { describe, expect, it } from 'vitest';
import { invalidItem } from './bulk-response.js';

const issue = { kind: 'invalid', field: 'location.lat', rule: 'must be <= 90' } as const;
const missing = { kind: 'missing', field: 'device_id', rule: 'is required' } as const;

describe(invalidItem, () => {
  it('names every field and its rule', () => {
    expect(invalidItem({ a: 1 }, 7, [missing, issue])).toEqual({
      item: { a: 1 },
      index: 7,
      error: 'bad_param',
      error_description: 'device_id is required; location.lat must be <= 90',
      error_details: ['device_id', 'location.lat'],
    });
  });

  it('reports missing_param if all issues are missing fields', () => {
    expect(invalidItem({}, 0, [missing]).error).toBe('missing_param');
  });

  it('names the item if the issue has no field', () => {
    const failure = invalidItem('x', 0, [{ kind: 'invalid', field: '', rule: 'must be object' }]);
    expect(failure).toMatchObject({ error_description: 'item must be object', error_details: [] });
  });

  it('does not return an item that is too large or nested too deeply', () => {
    let deep: unknown = 1;
    for (let depth = 0; depth < 100_000; depth += 1) deep = [deep];
    expect(invalidItem(deep, 0, [issue]).item).toBeNull();
    expect(invalidItem({ text: 'x'.repeat(20_000) }, 0, [issue]).item).toBeNull();
    expect(invalidItem({ text: 'x'.repeat(1_000) }, 0, [issue]).item).not.toBeNull();
  });

  it('truncates field names', () => {
    const failure = invalidItem({}, 0, [
      { kind: 'unknown', field: 'x'.repeat(1_000_000), rule: 'is unknown' },
    ]);
    expect(JSON.stringify(failure).length).toBeLessThan(500);
  });
});
