import { describe, expect, it } from 'vitest';
import { parseJsonBody } from './json-body.js';
import {
  MAX_BODY_SHAPES,
  MAX_BODY_VALUES,
  MAX_ITEM_BYTES,
  MAX_ITEM_DEPTH,
  MAX_ITEM_FIELDS,
  scanBody,
} from './body-scan.js';
import { OversizedItem, RefusedBody } from './unparsed.js';

/** An item that makes a body large enough to be scanned. */
const filler = { text: 'x'.repeat(MAX_ITEM_BYTES - 20) };

/** The replacements of the items of a body; `undefined` for items that are not replaced. */
function replaced(...texts: readonly string[]): (string | undefined)[] {
  const items = parseJsonBody(Buffer.from(`[${[JSON.stringify(filler), ...texts].join(',')}]`)) as unknown[];
  return items.slice(1).map((item) => (item instanceof OversizedItem ? item.rule : undefined));
}

const fieldsOf = (count: number): string =>
  JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index}`, 1])));
const levelsOf = (count: number): string => '['.repeat(count) + ']'.repeat(count);

describe(parseJsonBody, () => {
  it('replaces only the items that exceed a limit', () => {
    expect(replaced(fieldsOf(MAX_ITEM_FIELDS), fieldsOf(MAX_ITEM_FIELDS + 1), '{"a":1}')).toEqual([
      undefined,
      'must not have more than 128 fields',
      undefined,
    ]);
    expect(replaced(levelsOf(MAX_ITEM_DEPTH), levelsOf(MAX_ITEM_DEPTH + 1), '7')).toEqual([
      undefined,
      'must not have more than 16 levels of nesting',
      undefined,
    ]);
    const text = (bytes: number): string => `"${'x'.repeat(bytes - 2)}"`;
    expect(replaced(text(MAX_ITEM_BYTES), text(MAX_ITEM_BYTES + 1), 'null')).toEqual([
      undefined,
      'must not have more than 65536 bytes',
      undefined,
    ]);
  });

  it('counts the fields of the objects in an item', () => {
    expect(replaced(`{"a":${fieldsOf(100)},"b":[${fieldsOf(50)}]}`)).toEqual([
      'must not have more than 128 fields',
    ]);
  });

  it('ignores brackets, colons and commas in strings', () => {
    const text = JSON.stringify({ 'a":[{,': `\\"${'[:{,'.repeat(200)}\\`, b: '🚕"]}' });
    expect(replaced(text, fieldsOf(200), text)).toEqual([
      undefined,
      'must not have more than 128 fields',
      undefined,
    ]);
  });

  it('finds items independent of the whitespace between them', () => {
    const body = ` [ ${JSON.stringify(filler)} ,\n\t${fieldsOf(200)} , 1 , ${levelsOf(20)} ]  \n`;
    const items = parseJsonBody(Buffer.from(body)) as unknown[];
    expect(items.map((item) => item instanceof OversizedItem)).toEqual([false, true, false, true]);
    expect([items[0], items[2]]).toEqual([filler, 1]);
  });

  it('returns an empty array for one with whitespace', () => {
    expect(parseJsonBody(Buffer.from(`[${' '.repeat(MAX_ITEM_BYTES)}]`))).toEqual([]);
  });

  it.each([
    ['an object', `{"a":"${'x'.repeat(MAX_ITEM_BYTES)}"}`, 'not-a-list'],
    ['more than 1000 items', `[${'1,'.repeat(40_000)}1]`, 'too-many-items'],
    ['too many values', `[${`[${'1,'.repeat(300)}1],`.repeat(400)}1]`, 'too-large'],
    [
      'too many different fields',
      JSON.stringify(
        Array.from({ length: 200 }, (_, item) =>
          Object.fromEntries(Array.from({ length: 60 }, (__, field) => [`${item}-${field}`, 1])),
        ),
      ),
      'too-large',
    ],
  ])('refuses %s without parsing it', (_, text, reason) => {
    expect(parseJsonBody(Buffer.from(text))).toMatchObject(
      new RefusedBody(reason as 'too-large', expect.anything()),
    );
  });

  it.each([
    ['in an item', '[{"a":1', /does not end/],
    ['in a text', '["', /does not end/],
    ['after an escape', '["\\', /does not end/],
    ['after the array', '[]]', /not JSON/],
    ['in brackets that do not match', '[{]}]', /not JSON/],
  ])('rejects a large body that is not JSON %s', (_, end, message) => {
    const text = end.replace('[', `[${JSON.stringify(filler)},"${'x'.repeat(100)}",`);
    expect(() => parseJsonBody(Buffer.from(text))).toThrow(message);
  });
});

describe(scanBody, () => {
  it('counts items, values and beginnings of field lists as a parser does', () => {
    const items = [{ a: 1, b: { a: 1, 'c,"[': [1, 2, '}'] } }, { b: 1, a: 2 }, [], 'x', { a: 1, b: 3 }];
    expect(scanBody(Buffer.from(JSON.stringify(items)))).toEqual({
      kind: 'array',
      items: 5,
      values: 17,
      shapes: 6,
      excesses: [],
    });
  });

  it('accepts a thousand items with all fields of the largest schema', () => {
    const names = Array.from({ length: 78 }, (_, index) => `field_of_a_trip_${index}`);
    const item = Object.fromEntries(names.map((name) => [name, { a: 1 }]));
    const { values, shapes } = scanBody(Buffer.from(JSON.stringify(Array.from({ length: 600 }, () => item))));
    expect(values).toBeLessThan(MAX_BODY_VALUES);
    expect(shapes).toBeLessThan(MAX_BODY_SHAPES);
  });
});
