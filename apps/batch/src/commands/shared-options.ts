import { UsageError } from '@hailstream/service/command-line';

/** A date (UTC), or ISO 8601 with a time zone: without one, the meaning would depend on the machine. */
const MOMENT = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2}))?$/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * @returns milliseconds since 1970
 * @throws UsageError if the text is not a date or a time with a time zone
 */
export function parseMoment(option: string, text: string): number {
  const ms = MOMENT.test(text) ? Date.parse(text) : Number.NaN;
  // A day that the month does not have is moved to the next month.
  const isDay =
    Number.isFinite(ms) && new Date(`${text.slice(0, 10)}T00:00Z`).getUTCDate() === Number(text.slice(8, 10));
  if (isDay) return ms;
  throw new UsageError(
    `${option}: expected a date such as 2026-11-22, or a time such as 2026-11-22T12:00:00Z, got "${text}"`,
  );
}

/** @throws UsageError if the text is not a UUID */
export function parseProvider(text: string | undefined): string | undefined {
  if (text === undefined || UUID.test(text)) return text?.toLowerCase();
  throw new UsageError(`--provider: expected a UUID, got "${text}"`);
}
