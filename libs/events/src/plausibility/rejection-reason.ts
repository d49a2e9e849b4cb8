import type { FieldIssue } from '../schema/schema-issues.js';
import { problems, type ProblemCode } from './problems.js';
import { localTimeOffset } from './times.js';

/** The problem that explains a rejection, or the field that is missing or invalid. There are finitely many. */
export type RejectionReason =
  ProblemCode | 'too-large' | 'unknown-field' | `missing ${string}` | `invalid ${string}`;

/** Seconds from 2001 to 2286. */
const SECONDS = [1e9, 1e10] as const;
/** Microseconds and nanoseconds from 2001 on. */
const MICROSECONDS_FROM = 1e15;

/**
 * Returns why an item was rejected: the likely mistake if one of the issues shows it, otherwise the first issue. Issues of
 * unknown fields have one common reason, because their names are chosen by the sender.
 */
export function rejectionReason(
  item: unknown,
  issues: readonly FieldIssue[],
  at: { readonly receivedAtMs: number },
): RejectionReason {
  for (const issue of issues) {
    const mistake = likelyMistake(item, issue, at.receivedAtMs);
    if (mistake !== null) return mistake;
  }
  const known = issues.find(({ kind }) => kind !== 'unknown');
  if (known === undefined) return 'unknown-field';
  if (known.field === '')
    return known.rule.startsWith('must not have more than') ? 'too-large' : 'not-a-list';
  const kind = known.kind === 'missing' ? 'missing' : 'invalid';
  return `${kind} ${known.field.replaceAll(/\.\d+/g, '')}`;
}

/** The problem that a reason names; `null` if it only names a field. */
export function problemOfReason(reason: string): ProblemCode | null {
  return Object.hasOwn(problems, reason) ? (reason as ProblemCode) : null;
}

function likelyMistake(
  item: unknown,
  { kind, field, rule }: FieldIssue,
  receivedAtMs: number,
): ProblemCode | null {
  if (kind !== 'invalid') return null;
  const path = field.split('.');
  const name = path.at(-1)!;
  if (name === 'provider_id' && rule.startsWith("must be the token's provider")) return 'other-provider';
  const value = valueAt(item, path);
  if (isTime(name)) return mistakeOfTime(value, rule, receivedAtMs);
  if (name === 'lat' || name === 'lng')
    return isSwapped(valueAt(item, path.slice(0, -1))) ? 'swapped-coordinates' : null;
  const isAmount = path[0] === 'fare_attributes' || name === 'actual_cost' || name === 'standard_cost';
  return isAmount && typeof value === 'number' && !Number.isInteger(value) ? 'decimal-amount' : null;
}

/** The duration of a wait or a ride is not a time. */
function isTime(name: string): boolean {
  return name === 'timestamp' || /_(time|at)$/.test(name.replace(/^trip_(wait|fare)_time$/, ''));
}

function mistakeOfTime(value: unknown, rule: string, receivedAtMs: number): ProblemCode | null {
  if (typeof value === 'string') return 'timestamp-as-text';
  if (typeof value !== 'number') return null;
  if (value >= SECONDS[0] && value < SECONDS[1]) return 'timestamp-in-seconds';
  if (value >= MICROSECONDS_FROM) return 'timestamp-in-microseconds';
  if (rule.includes('after its receipt')) {
    return localTimeOffset(receivedAtMs - value) === null ? 'clock-ahead' : 'local-time';
  }
  return rule.includes('before its receipt') ? 'timestamp-too-old' : null;
}

/** Whether a location is outside the ranges of latitude and longitude as it is, and within them if they are swapped. */
function isSwapped(location: unknown): boolean {
  if (typeof location !== 'object' || location === null) return false;
  const { lat, lng } = location as Readonly<Record<string, unknown>>;
  if (typeof lat !== 'number' || typeof lng !== 'number') return false;
  return Math.abs(lat) > 90 && Math.abs(lat) <= 180 && Math.abs(lng) <= 90;
}

/** The value at a path; `undefined` if there is none. */
function valueAt(item: unknown, path: readonly string[]): unknown {
  let value = item;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return value;
}
