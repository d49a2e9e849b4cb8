import { eventTimeRule, type EventTimeLimits, type FieldIssue } from '@hailstream/events';
import type { AnyEvent, Endpoint } from './endpoints.js';
import { OversizedItem } from './oversized-items.js';

/** What an item is judged by, beside its schema. */
export interface JudgedBy extends EventTimeLimits {
  /** The only provider whose events are taken; not given: any. */
  readonly providerId: string | undefined;
}

/** What is wrong with an item; empty means that it is an event of the endpoint's family. */
export function judgeItem(
  item: unknown,
  { family, timeField }: Endpoint,
  { providerId, ...limits }: JudgedBy,
): FieldIssue[] {
  if (item instanceof OversizedItem) return [{ kind: 'invalid', field: '', rule: item.rule }];
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
  const brokenRule = eventTimeRule(family.eventTime(event), limits);
  if (brokenRule !== undefined) {
    const receivedAt = new Date(limits.receivedAtMs).toISOString();
    issues.push({ kind: 'invalid', field: timeField, rule: `${brokenRule}, ${receivedAt}` });
  }
  return issues;
}
