import { describe, expect, it } from 'vitest';
import {
  MAX_ITEM_BYTES,
  MAX_ITEM_DEPTH,
  MAX_ITEM_FIELDS,
  OversizedItem,
  replaceOversizedItems,
} from './oversized-items.js';

/** An item that makes a body large enough to be scanned. */
const filler = { text: 'x'.repeat(MAX_ITEM_BYTES - 20) };

/** The replacements of the items of a body; `undefined` for items that are not replaced. */
function replaced(...texts: readonly string[]): (string | undefined)[] {
  const body = `[${[JSON.stringify(filler), ...texts].join(',')}]`;
  const items = JSON.parse(body) as unknown[];
  replaceOversizedItems(Buffer.from(body), items);
  return items.slice(1).map((item) => (item instanceof OversizedItem ? item.rule : undefined));
}

const fieldsOf = (count: number): string =>
  JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index}`, 1])));
const levelsOf = (count: number): string => '['.repeat(count) + ']'.repeat(count);

describe(replaceOversizedItems, () => {
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
    const items = JSON.parse(body) as unknown[];
    replaceOversizedItems(Buffer.from(body), items);
    expect(items.map((item) => item instanceof OversizedItem)).toEqual([false, true, false, true]);
  });

  it('does not change an empty array', () => {
    const body = `[${' '.repeat(MAX_ITEM_BYTES)}]`;
    const items = JSON.parse(body) as unknown[];
    replaceOversizedItems(Buffer.from(body), items);
    expect(items).toEqual([]);
  });
});
