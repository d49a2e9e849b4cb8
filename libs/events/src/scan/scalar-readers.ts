import type { SchemaNode } from '../schema/schema-node.js';
import { charactersOf, matches, REFUSED, type Read, type ScanState } from './scan-state.js';

const [QUOTE, BACKSLASH, MINUS, PLUS, DOT, ZERO] = charactersOf('"\\-+.0');
const LOWER_E = 0x65;
const SPACE = 0x20;
const LAST_ASCII = 0x7e;
/** Bit of the characters that are not hexadecimal digits in lower case. */
const NOT_HEX = 0x80;
const HEX = Uint8Array.from({ length: 256 }, (_, code) => {
  const value = '0123456789abcdef'.indexOf(String.fromCharCode(code));
  return value < 0 ? NOT_HEX : value;
});
/** Characters of a UUID, with its quotes. */
const UUID_CHARACTERS = 38;

/** Text that JSON represents as it is: ASCII without escapes. */
const PLAIN = /^[ !#-[\]-~]*$/;
/** Powers of ten that a double represents exactly: the quotient of an exact integer and one of them is rounded once. */
const POWERS_OF_TEN = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));

/** Reads a UUID in lower case. */
export function uuidReader(state: ScanState, slot: number): Read {
  const { starts, ends, words } = state;
  const wordAt = slot * 4;
  return (at) => {
    const { bytes } = state;
    if (at + UUID_CHARACTERS > state.end || bytes[at] !== QUOTE || bytes[at + 37] !== QUOTE) return REFUSED;
    if (bytes[at + 9] !== MINUS || bytes[at + 14] !== MINUS) return REFUSED;
    if (bytes[at + 19] !== MINUS || bytes[at + 24] !== MINUS) return REFUSED;
    let all = 0;
    const four = (from: number): number => {
      const [a, b, c, d] = [
        HEX[bytes[from]!]!,
        HEX[bytes[from + 1]!]!,
        HEX[bytes[from + 2]!]!,
        HEX[bytes[from + 3]!]!,
      ];
      all |= a | b | c | d;
      return (a << 12) | (b << 8) | (c << 4) | d;
    };
    words[wordAt] = (four(at + 1) << 16) | four(at + 5);
    words[wordAt + 1] = (four(at + 10) << 16) | four(at + 15);
    words[wordAt + 2] = (four(at + 20) << 16) | four(at + 25);
    words[wordAt + 3] = (four(at + 29) << 16) | four(at + 33);
    if ((all & NOT_HEX) !== 0) return REFUSED;
    starts[slot] = at + 1;
    ends[slot] = at + UUID_CHARACTERS - 1;
    return at + UUID_CHARACTERS;
  };
}

/** Reads a string of printable ASCII without escapes, in which every byte is a character. */
export function textReader(
  state: ScanState,
  slot: number,
  { pattern, minLength = 0, maxLength = Infinity }: SchemaNode,
): Read {
  const { starts, ends } = state;
  const expression = pattern === undefined ? undefined : new RegExp(pattern, 'u');
  return (at) => {
    const { bytes, end } = state;
    if (bytes[at] !== QUOTE) return REFUSED;
    const start = at + 1;
    let close = start;
    for (; close < end; close += 1) {
      const byte = bytes[close]!;
      if (byte === QUOTE) break;
      if (byte < SPACE || byte > LAST_ASCII || byte === BACKSLASH) return REFUSED;
    }
    const length = close - start;
    if (close >= end || length < minLength || length > maxLength) return REFUSED;
    if (expression !== undefined && !expression.test(bytes.toString('latin1', start, close))) return REFUSED;
    starts[slot] = start;
    ends[slot] = close;
    return close + 1;
  };
}

/** Reads one of some strings. */
export function enumReader(state: ScanState, slot: number, literals: readonly string[]): Read {
  const { starts, ends } = state;
  // Those with other characters are left to the validator, as in other strings.
  const texts = literals
    .filter((literal) => PLAIN.test(literal))
    .map((literal) => Buffer.from(`"${literal}"`));
  return (at) => {
    for (let index = 0; index < texts.length; index += 1) {
      const text = texts[index]!;
      if (!matches(state.bytes, text, at)) continue;
      starts[slot] = at + 1;
      ends[slot] = at + text.length - 1;
      return at + text.length;
    }
    return REFUSED;
  };
}

/** Reads a number of JSON's grammar as `JSON.parse` does. */
export function numberReader(
  state: ScanState,
  slot: number,
  { type, minimum = -Infinity, maximum = Infinity }: SchemaNode,
): Read {
  const { starts, ends, numbers } = state;
  const isInteger = type === 'integer';
  return (at) => {
    const { bytes } = state;
    const isNegative = bytes[at] === MINUS;
    const first = isNegative ? at + 1 : at;
    let end = first;
    let digits = 0;
    let digit = bytes[end]! - ZERO;
    for (; digit >= 0 && digit <= 9; digit = bytes[++end]! - ZERO) digits = digits * 10 + digit;
    // At least one digit, and no zero before others.
    if (end === first || (bytes[first] === ZERO && end > first + 1)) return REFUSED;
    let decimals = 0;
    if (bytes[end] === DOT) {
      const point = end;
      digit = bytes[++end]! - ZERO;
      for (; digit >= 0 && digit <= 9; digit = bytes[++end]! - ZERO) digits = digits * 10 + digit;
      decimals = end - point - 1;
      if (decimals === 0) return REFUSED;
    }
    const exponentEnd = (bytes[end]! | SPACE) === LOWER_E ? endOfExponent(bytes, end) : end;
    if (exponentEnd === REFUSED) return REFUSED;
    let value: number;
    // Below 2^53 every sum was exact. The minus of a zero counts.
    if (exponentEnd === end && digits < Number.MAX_SAFE_INTEGER && decimals < POWERS_OF_TEN.length) {
      const absolute = decimals === 0 ? digits : digits / POWERS_OF_TEN[decimals]!;
      value = isNegative ? -absolute : absolute;
    } else value = Number(bytes.toString('latin1', at, exponentEnd));
    if (
      !(value >= minimum && value <= maximum) ||
      !(isInteger ? Number.isInteger(value) : Number.isFinite(value))
    ) {
      return REFUSED;
    }
    starts[slot] = at;
    ends[slot] = exponentEnd;
    numbers[slot] = value;
    return exponentEnd;
  };
}

function endOfExponent(bytes: Buffer, at: number): number {
  const sign = bytes[at + 1];
  const first = sign === MINUS || sign === PLUS ? at + 2 : at + 1;
  let end = first;
  for (let digit = bytes[end]! - ZERO; digit >= 0 && digit <= 9; digit = bytes[++end]! - ZERO);
  return end === first ? REFUSED : end;
}
