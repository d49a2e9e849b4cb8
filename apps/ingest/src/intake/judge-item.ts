import type { FieldIssue } from '@hailstream/events';
import type { AnyEvent, Endpoint } from './endpoints.js';

/** How far ahead of our clock an event's time may be: devices' clocks are not all right. */
export const MAX_CLOCK_AHEAD_MS = 5 * 60_000;

/** What an item is judged by, beside its schema. */
export interface JudgedBy {
  /** When the request came, in milliseconds. */
  readonly receivedAtMs: number;
  /** The only provider whose events are taken; not given: any. */
  readonly providerId: string | undefined;
}

/** All that is wrong with an item; empty means that it is an event of the endpoint's family. */
export function judgeItem(
  item: unknown,
  { family, timeField }: Endpoint,
  { receivedAtMs, providerId }: JudgedBy,
): FieldIssue[] {
  const issues = family.validator.issues(item);
  if (issues.length > 0) return issues;
  const event = item as AnyEvent;
  if (providerId !== undefined && event.provider_id !== providerId) {
    issues.push({
      kind: 'invalid',
      field: 'provider_id',
      rule: `must be the token's provider, ${providerId}`,
    });
  }
  if (family.eventTime(event) > receivedAtMs + MAX_CLOCK_AHEAD_MS) {
    const minutes = MAX_CLOCK_AHEAD_MS / 60_000;
    const now = new Date(receivedAtMs).toISOString();
    issues.push({
      kind: 'invalid',
      field: timeField,
      rule: `must not be more than ${minutes} minutes after ${now}`,
    });
  }
  return issues;
}
