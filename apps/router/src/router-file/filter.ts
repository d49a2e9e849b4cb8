/*
 * Filter expressions select events by their fields:
 *
 *   expression = term { "or" term }
 *   term       = factor { "and" factor }
 *   factor     = "not" factor | "(" expression ")" | "within" "(" west "," south "," east "," north ")" | comparison
 *   comparison = field ( "=" | "!=" | "<" | "<=" | ">" | ">=" | "contains" ) literal | field "in" "(" literal { "," literal } ")"
 *   field      = name { "." name }
 *   literal    = number | 'text' | "text" | true | false | null
 *
 * A field that an event does not have is null. Numbers and texts are ordered among themselves; any other comparison with
 * <, <=, > or >= is false. `contains` tests the elements of a list. `within` tests `location`, in degrees, borders included.
 */

export type Event = Readonly<Record<string, unknown>>;
type Predicate = (event: Event) => boolean;
type Literal = string | number | boolean | null;

/** A filter expression is not valid. */
export class FilterError extends Error {
  override readonly name = 'FilterError';
  readonly code = 'FILTER_INVALID';
}

/** Longest expression. */
const MAX_LENGTH = 4_000;
const TOKEN =
  /\s*(?:(-?\d+(?:\.\d+)?)|'([^']*)'|"([^"]*)"|([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)|(!=|<=|>=|[=<>(),]))/y;
const LITERALS: ReadonlyMap<string, Literal> = new Map<string, Literal>([
  ['true', true],
  ['false', false],
  ['null', null],
]);
const KEYWORDS = new Set(['and', 'or', 'not', 'in', 'contains', 'within', ...LITERALS.keys()]);

type Token =
  | { readonly kind: 'literal'; readonly value: Literal; readonly text: string }
  | { readonly kind: 'field' | 'keyword' | 'symbol' | 'end'; readonly text: string };

/** Compiles a filter expression. @throws FilterError if it is not valid */
export function compileFilter(expression: string): Predicate {
  if (expression.length > MAX_LENGTH) throw new FilterError(`expected at most ${MAX_LENGTH} characters`);
  const parser = new Parser(tokenize(expression));
  const predicate = parser.expression();
  parser.expectEnd();
  return predicate;
}

function tokenize(expression: string): Token[] {
  const text = expression.trimEnd();
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match) throw new FilterError(`unexpected "${text.slice(at).trim().slice(0, 20)}"`);
    const [whole, number, single, double, name, symbol] = match;
    const literal = number === undefined ? (single ?? double) : Number(number);
    if (literal !== undefined) tokens.push({ kind: 'literal', value: literal, text: whole.trim() });
    else if (name !== undefined) tokens.push(nameToken(name));
    else tokens.push({ kind: 'symbol', text: symbol! });
  }
  return tokens;
}

function nameToken(name: string): Token {
  const value = LITERALS.get(name);
  if (value !== undefined) return { kind: 'literal', value, text: name };
  return { kind: KEYWORDS.has(name) ? 'keyword' : 'field', text: name };
}

class Parser {
  private index = 0;
  private depth = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  expression(): Predicate {
    const terms = this.list('or', () => this.term());
    return (event) => terms.some((term) => term(event));
  }

  expectEnd(): void {
    if (this.next.kind !== 'end') throw new FilterError(`expected "and" or "or", got "${this.next.text}"`);
  }

  private get next(): Token {
    return this.tokens[this.index] ?? { kind: 'end', text: 'the end' };
  }

  private term(): Predicate {
    const factors = this.list('and', () => this.factor());
    return (event) => factors.every((factor) => factor(event));
  }

  private list(separator: string, parse: () => Predicate): Predicate[] {
    const parts = [parse()];
    while (this.skip(separator)) parts.push(parse());
    return parts;
  }

  private factor(): Predicate {
    this.depth += 1;
    if (this.depth > 50) throw new FilterError('expected at most 50 levels of parentheses and "not"');
    const predicate = this.factorAtDepth();
    this.depth -= 1;
    return predicate;
  }

  private factorAtDepth(): Predicate {
    if (this.skip('not')) {
      const factor = this.factor();
      return (event) => !factor(event);
    }
    if (this.skip('(')) {
      const inner = this.expression();
      this.expect(')');
      return inner;
    }
    if (this.skip('within')) return within(this.literals());
    return this.comparison();
  }

  private comparison(): Predicate {
    const { kind, text } = this.next;
    if (kind !== 'field') throw new FilterError(`expected a field, got "${text}"`);
    this.index += 1;
    const path = text.split('.');
    const operator = this.next.text;
    this.index += 1;
    if (operator === 'in') {
      const members = new Set<unknown>(this.literals());
      return (event) => members.has(valueAt(event, path));
    }
    const compare = comparisons[operator];
    if (compare === undefined)
      throw new FilterError(`expected a comparison after "${text}", got "${operator}"`);
    const literal = this.literal();
    return (event) => compare(valueAt(event, path), literal);
  }

  private literals(): Literal[] {
    this.expect('(');
    const values = [this.literal()];
    while (this.skip(',')) values.push(this.literal());
    this.expect(')');
    return values;
  }

  private literal(): Literal {
    const token = this.next;
    if (token.kind !== 'literal') throw new FilterError(`expected a value, got "${token.text}"`);
    this.index += 1;
    return token.value;
  }

  private expect(symbol: string): void {
    if (!this.skip(symbol)) throw new FilterError(`expected "${symbol}", got "${this.next.text}"`);
  }

  private skip(text: string): boolean {
    const { kind } = this.next;
    if (this.next.text !== text || (kind !== 'keyword' && kind !== 'symbol')) return false;
    this.index += 1;
    return true;
  }
}

const comparisons: Readonly<Record<string, ((value: unknown, literal: Literal) => boolean) | undefined>> = {
  '=': (value, literal) => value === literal,
  '!=': (value, literal) => value !== literal,
  '<': (value, literal) => order(value, literal) < 0,
  '<=': (value, literal) => order(value, literal) <= 0,
  '>': (value, literal) => order(value, literal) > 0,
  '>=': (value, literal) => order(value, literal) >= 0,
  contains: (value, literal) => Array.isArray(value) && value.includes(literal),
};

/** Negative, zero or positive; NaN, for which every comparison is false, if the values have no order. */
function order(value: unknown, literal: Literal): number {
  if (typeof value === 'number' && typeof literal === 'number') return value - literal;
  if (typeof value !== 'string' || typeof literal !== 'string') return NaN;
  return value < literal ? -1 : value > literal ? 1 : 0;
}

function valueAt(event: Event, path: readonly string[]): unknown {
  let value: unknown = event;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return null;
    value = (value as Event)[name];
  }
  return value ?? null;
}

function within(bounds: readonly Literal[]): Predicate {
  const [west, south, east, north] = bounds;
  const areNumbers = [west, south, east, north].every((bound) => typeof bound === 'number');
  if (bounds.length !== 4 || !areNumbers || south! > north!) {
    throw new FilterError('within: expected (west, south, east, north) in degrees');
  }
  return (event) => {
    const lat = valueAt(event, ['location', 'lat']);
    const lng = valueAt(event, ['location', 'lng']);
    if (typeof lat !== 'number' || typeof lng !== 'number') return false;
    if (lat < (south as number) || lat > (north as number)) return false;
    // A box that crosses the antimeridian has its west in the east.
    const [w, e] = [west as number, east as number];
    return w <= e ? lng >= w && lng <= e : lng >= w || lng <= e;
  };
}
