/** Most bytes of one item, whitespace included. The largest valid one has less than half of it. */
export const MAX_ITEM_BYTES = 65_536;

/** Most fields of one item, those of the objects in it included. The schemas have at most 78. */
export const MAX_ITEM_FIELDS = 128;

/** Deepest nesting of one item. The schemas have at most 3 levels. */
export const MAX_ITEM_DEPTH = 16;

/** Stands in the place of an item that is too large to be looked at: `rule` is the limit that it exceeds. */
export class OversizedItem {
  constructor(readonly rule: string) {}
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * Replaces the items that exceed a limit, found in the text that they were parsed from. Listing the names of an object
 * costs more than parsing it if there are a hundred thousand: the bytes tell in one pass how many there are.
 *
 * @param text a JSON array, known to be valid
 * @param items the array
 */
export function replaceOversizedItems(text: Buffer, items: unknown[]): void {
  // A smaller body has no item that is too large, and listing the names in it costs little.
  if (text.length <= MAX_ITEM_BYTES) return;
  let index = 0;
  let depth = 0;
  let deepest = 0;
  let fields = 0;
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    switch (text[at]) {
      case QUOTE:
        at = endOfText(text, at);
        break;
      case COLON:
        fields += 1;
        break;
      case OPEN_BRACKET:
      case OPEN_BRACE:
        depth += 1;
        if (depth === 1) start = at + 1;
        else if (depth > deepest) deepest = depth;
        break;
      case CLOSE_BRACKET:
      case CLOSE_BRACE:
        depth -= 1;
        break;
      default:
    }
    if (depth === 0 ? text[at] === CLOSE_BRACKET : depth === 1 && text[at] === COMMA) {
      const rule = exceeded({ sizeBytes: at - start, fields, depth: deepest - 1 });
      if (rule !== undefined && index < items.length) items[index] = new OversizedItem(rule);
      index += 1;
      start = at + 1;
      fields = 0;
      deepest = 0;
    }
  }
}

/** Where a text ends: the place of its closing quote. */
function endOfText(text: Buffer, openingQuote: number): number {
  let at = openingQuote + 1;
  while (text[at] !== QUOTE && at < text.length) at += text[at] === BACKSLASH ? 2 : 1;
  return at;
}

function exceeded(item: { readonly sizeBytes: number; readonly fields: number; readonly depth: number }) {
  if (item.sizeBytes > MAX_ITEM_BYTES) return `must not be larger than ${MAX_ITEM_BYTES} bytes`;
  if (item.fields > MAX_ITEM_FIELDS) return `must not have more than ${MAX_ITEM_FIELDS} fields`;
  if (item.depth > MAX_ITEM_DEPTH) return `must not be nested more than ${MAX_ITEM_DEPTH} levels deep`;
  return undefined;
}
