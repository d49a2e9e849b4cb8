/** Maximum size of an item in bytes, including whitespace. The largest valid item has less than half of that. */
export const MAX_ITEM_BYTES = 65_536;

/** Maximum number of fields of an item, including those of nested objects. The schemas have at most 78. */
export const MAX_ITEM_FIELDS = 128;

/** Maximum nesting of an item. The schemas have at most 3 levels. */
export const MAX_ITEM_DEPTH = 16;

/** Replaces an item that exceeds a limit. `rule` names the limit. */
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
 * Replaces the items that exceed a limit, found by scanning the text from which they were parsed. For an object with a
 * hundred thousand fields, enumerating them costs more than parsing; the scan counts them in one pass.
 *
 * @param text a JSON array, known to be valid
 * @param items the array
 */
export function replaceOversizedItems(text: Buffer, items: unknown[]): void {
  // A smaller body cannot have an oversized item, and enumerating its fields is cheap.
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

/** Returns the position of the closing quote of a string. */
function endOfText(text: Buffer, openingQuote: number): number {
  let at = openingQuote + 1;
  while (text[at] !== QUOTE && at < text.length) at += text[at] === BACKSLASH ? 2 : 1;
  return at;
}

function exceeded(item: { readonly sizeBytes: number; readonly fields: number; readonly depth: number }) {
  if (item.sizeBytes > MAX_ITEM_BYTES) return `must not have more than ${MAX_ITEM_BYTES} bytes`;
  if (item.fields > MAX_ITEM_FIELDS) return `must not have more than ${MAX_ITEM_FIELDS} fields`;
  if (item.depth > MAX_ITEM_DEPTH) return `must not have more than ${MAX_ITEM_DEPTH} levels of nesting`;
  return undefined;
}
