import { parse } from 'csv-parse/sync';

/** Splits a line of CSV into fields; `undefined` if its quotes are not valid. A record cannot span lines here. */
export function splitFields(text: string): string[] | undefined {
  if (!text.includes('"')) return text.split(',');
  try {
    return parse(text, { to_line: 1 })[0] as string[] | undefined;
  } catch {
    return undefined;
  }
}

/** Removes the byte order mark that some programs write at the start of a file. */
export function withoutByteOrderMark(text: string): string {
  return text.replace(/^\uFEFF/, '');
}

/** Parses a decimal number, with or without an exponent; `undefined` for anything else. */
export function parseNumber(text: string): number | undefined {
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d{1,2})?$/i.test(text) ? Number(text) : undefined;
}
