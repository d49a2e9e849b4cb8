import { randomBytes } from 'node:crypto';

/** Maximum size of an item in bytes, including whitespace. The largest valid item has less than half of that. */
export const MAX_ITEM_BYTES = 65_536;

/** Maximum number of fields of an item, including those of nested objects. The schemas have at most 78. */
export const MAX_ITEM_FIELDS = 128;

/** Maximum nesting of an item. The schemas have at most 3 levels. */
export const MAX_ITEM_DEPTH = 16;

/** Maximum number of values in a body: fields, elements, objects. A thousand trips with all fields have 85,000. */
export const MAX_BODY_VALUES = 100_000;

/**
 * Maximum number of different beginnings of field lists in a body: of `{"a":1,"b":2}` and `{"a":1,"c":2}` there are three. For
 * each, V8 creates a hidden class when it parses the body, which costs a hundred times more than a field of a known class.
 */
export const MAX_BODY_SHAPES = 8_192;

/** An item that exceeds a limit: `rule` names it. The item is the text from `start` to `end`. */
export interface Excess {
  readonly index: number;
  readonly start: number;
  readonly end: number;
  readonly rule: string;
}

/** What is known of a JSON array before it is parsed. */
interface BodyScan {
  /** Whether the text begins with an array, and the array ends. */
  readonly kind: 'array' | 'cut-array' | 'other';
  readonly items: number;
  /** The number of values of the items within the limits. */
  readonly values: number;
  /** At least the number of different beginnings of field lists of the items within the limits. */
  readonly shapes: number;
  readonly excesses: readonly Excess[];
}

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Slots of the table of known beginnings. A beginning that displaces another one counts again when that one recurs. */
const SHAPE_SLOTS = 65_536;

/** Hashes of names cannot be predicted, so that different names do not pass as one. */
const HASH_FACTOR = randomBytes(4).readInt32LE() | 1;

/**
 * Scans a text that may be a JSON array, without parsing it: parsing a hundred thousand unknown fields costs more than
 * validating a thousand events. A text that is not valid JSON has any result, and parsing it fails.
 */
export function scanBody(text: Buffer): BodyScan {
  return new Scanner(text).scan();
}

class Scanner {
  private readonly excesses: Excess[] = [];
  private readonly knownShapes = new Int32Array(SHAPE_SLOTS);
  /** The hash of the names of an object so far, by depth. */
  private readonly shapeAt = new Int32Array(MAX_ITEM_DEPTH + 2);
  private items = 0;
  private values = 0;
  private shapes = 0;
  private hash = 0;
  // Of the item that is scanned:
  private start = 0;
  private fields = 0;
  private valuesOfItem = 0;
  private deepest = 0;

  constructor(private readonly text: Buffer) {}

  scan(): BodyScan {
    const { text } = this;
    let at = 0;
    while (at < text.length && text[at]! <= SPACE) at += 1;
    if (text[at] !== OPEN_BRACKET) return this.result('other');
    let depth = 0;
    for (; at < text.length; at += 1) {
      switch (text[at]) {
        case QUOTE:
          at = this.skipText(at);
          break;
        case COLON:
          this.addField(depth);
          break;
        case OPEN_BRACKET:
        case OPEN_BRACE:
          depth += 1;
          this.valuesOfItem += 1;
          if (depth === 1) this.start = at + 1;
          else if (depth > this.deepest) this.deepest = depth;
          if (depth < this.shapeAt.length) this.shapeAt[depth] = 0;
          break;
        case CLOSE_BRACKET:
        case CLOSE_BRACE:
          depth -= 1;
          if (depth > 0) break;
          if (this.items > 0 || !this.isBlank(at)) this.endItem(at);
          return this.result('array');
        case COMMA:
          this.valuesOfItem += 1;
          if (depth === 1) this.endItem(at);
          break;
        default:
      }
    }
    return this.result('cut-array');
  }

  /** Returns the position of the closing quote of a text, and keeps the hash of the text. */
  private skipText(openingQuote: number): number {
    const { text } = this;
    let hash = 1;
    let at = openingQuote + 1;
    for (; at < text.length; at += 1) {
      const byte = text[at]!;
      if (byte === QUOTE) break;
      if (byte === BACKSLASH) at += 1;
      hash = (Math.imul(hash, HASH_FACTOR) + byte) | 0;
    }
    this.hash = hash;
    return at;
  }

  private addField(depth: number): void {
    this.fields += 1;
    if (this.fields > MAX_ITEM_FIELDS || depth >= this.shapeAt.length) return;
    const shape = Math.imul(this.shapeAt[depth]! ^ this.hash, HASH_FACTOR) ^ depth;
    const slot = (shape ^ (shape >>> 16)) & (SHAPE_SLOTS - 1);
    this.shapeAt[depth] = shape;
    if (this.knownShapes[slot] === shape) return;
    this.knownShapes[slot] = shape;
    this.shapes += 1;
  }

  /** Whether there is only whitespace since the start of the item. */
  private isBlank(end: number): boolean {
    for (let at = this.start; at < end; at += 1) if (this.text[at]! > SPACE) return false;
    return true;
  }

  private endItem(at: number): void {
    const rule = exceeded({ sizeBytes: at - this.start, fields: this.fields, depth: this.deepest - 1 });
    if (rule === undefined) this.values += this.valuesOfItem;
    else this.excesses.push({ index: this.items, start: this.start, end: at, rule });
    this.items += 1;
    this.start = at + 1;
    this.fields = 0;
    this.valuesOfItem = 0;
    this.deepest = 0;
  }

  private result(kind: BodyScan['kind']): BodyScan {
    const { items, values, shapes, excesses } = this;
    return { kind, items, values, shapes, excesses };
  }
}

function exceeded(item: { readonly sizeBytes: number; readonly fields: number; readonly depth: number }) {
  if (item.sizeBytes > MAX_ITEM_BYTES) return `must not have more than ${MAX_ITEM_BYTES} bytes`;
  if (item.fields > MAX_ITEM_FIELDS) return `must not have more than ${MAX_ITEM_FIELDS} fields`;
  if (item.depth > MAX_ITEM_DEPTH) return `must not have more than ${MAX_ITEM_DEPTH} levels of nesting`;
  return undefined;
}
