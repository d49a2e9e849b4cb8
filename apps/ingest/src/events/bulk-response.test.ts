import { describe, expect, it } from 'vitest';
import type { FieldIssue } from '@hailstream/events';
import { EchoBudget, invalidItem, type Failure } from './bulk-response.js';

const issue = { kind: 'invalid', field: 'location.lat', rule: 'must be <= 90' } as const;
const missing = { kind: 'missing', field: 'device_id', rule: 'is required' } as const;

function failureOf(item: unknown, index: number, issues: readonly FieldIssue[]): Failure {
  return invalidItem(item, index, { issues, budget: new EchoBudget() });
}

describe(invalidItem, () => {
  it('names every field and its rule', () => {
    expect(failureOf({ a: 1 }, 7, [missing, issue])).toEqual({
      item: { a: 1 },
      index: 7,
      error: 'bad_param',
      error_description: 'device_id is required; location.lat must be <= 90',
      error_details: ['device_id', 'location.lat'],
    });
  });

  it('reports missing_param if all issues are missing fields', () => {
    expect(failureOf({}, 0, [missing]).error).toBe('missing_param');
  });

  it('names the item if the issue has no field', () => {
    const failure = failureOf('x', 0, [{ kind: 'invalid', field: '', rule: 'must be object' }]);
    expect(failure).toMatchObject({ error_description: 'item must be object', error_details: [] });
  });

  it('does not return an item that is too large or nested too deeply', () => {
    let deep: unknown = 1;
    for (let depth = 0; depth < 100_000; depth += 1) deep = [deep];
    expect(failureOf(deep, 0, [issue]).item).toBeNull();
    expect(failureOf({ text: 'x'.repeat(20_000) }, 0, [issue]).item).toBeNull();
    expect(failureOf({ text: 'x'.repeat(1_000) }, 0, [issue]).item).not.toBeNull();
  });

  it('returns an item only if its JSON is within the limit, whatever its characters and numbers', () => {
    for (const character of ['x', '"', '\u0001', 'é', '🚕', '\ud800', '\u2028']) {
      for (const value of [character, 1e20, -1.234567890123456e-300, true, null, 12, {}, []]) {
        for (let count = 1; count < 480; count += 1) {
          const { item } = failureOf(
            [character.repeat(count * 35), ...Array<unknown>(count).fill(value)],
            0,
            [issue],
          );
          expect(JSON.stringify(item).length).toBeLessThanOrEqual(16_384);
        }
      }
    }
  });

  it('returns the first items of many', () => {
    const budget = new EchoBudget();
    const items = Array.from({ length: 1_000 }, (_, index) => ({ index, text: 'x'.repeat(2_000) }));
    const returned = items.map((item, index) => invalidItem(item, index, { issues: [issue], budget }).item);
    const count = returned.filter((item) => item !== null).length;
    expect(count).toBeGreaterThan(400);
    expect(returned.slice(count)).toEqual(items.slice(count).map(() => null));
    expect(JSON.stringify(returned).length).toBeLessThan(1_100_000);
  });

  it('truncates field names', () => {
    const failure = failureOf({}, 0, [{ kind: 'unknown', field: 'x'.repeat(1_000_000), rule: 'is unknown' }]);
    expect(JSON.stringify(failure).length).toBeLessThan(500);
  });
});
