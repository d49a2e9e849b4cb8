import {
  eventTimeRule,
  type AnyEvent,
  type EventFamily,
  type EventTimeLimits,
  type FieldIssue,
} from '@hailstream/events';
import { OversizedItem } from '../body/unparsed.js';

/** What an item must satisfy in addition to its schema. */
export interface ItemRules extends EventTimeLimits {
  /** The only provider whose events are accepted; `undefined`: every provider's. */
  readonly providerId: string | undefined;
}

/** Returns what is wrong with an item; empty if it is an event of the family. */
export function validateItem(item: unknown, family: EventFamily, rules: ItemRules): FieldIssue[] {
  if (item instanceof OversizedItem) return [{ kind: 'invalid', field: '', rule: item.rule }];
  const issues = family.validator.issues(item);
  if (issues.length > 0) return issues;
  const event = item as AnyEvent;
  const { providerId, receivedAtMs } = rules;
  if (providerId !== undefined && family.providerId(event) !== providerId) {
    issues.push({
      kind: 'invalid',
      field: 'provider_id',
      rule: `must be the token's provider, ${providerId}`,
    });
  }
  const brokenRule = eventTimeRule(family.eventTime(event), rules);
  if (brokenRule !== undefined) {
    const receivedAt = new Date(receivedAtMs).toISOString();
    issues.push({ kind: 'invalid', field: family.fields.time, rule: `${brokenRule}, ${receivedAt}` });
  }
  return issues;
}
