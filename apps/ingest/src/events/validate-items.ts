import type { AnyEvent, EventFamily } from '@hailstream/events';
import { rejectionReason, type RejectionReason } from '@hailstream/events/plausibility';
import type { OutgoingRecord, DeliveryResult } from '@hailstream/log';
import { EchoBudget, invalidItem, unwrittenItem, type Failure } from './bulk-response.js';
import { validateItem, type ItemRules } from './validate-item.js';

/** The items of a request: the valid ones as records, and the failures of the others. */
export interface ValidatedItems {
  readonly records: OutgoingRecord[];
  /** For each record, the index of its item in the request. */
  readonly indexes: number[];
  readonly failures: Failure[];
  /** For each failure, why the item was rejected. */
  readonly reasons: RejectionReason[];
}

export function validateItems(
  items: readonly unknown[],
  family: EventFamily,
  rules: ItemRules,
): ValidatedItems {
  const validated: ValidatedItems = { records: [], indexes: [], failures: [], reasons: [] };
  const budget = new EchoBudget();
  for (const [index, item] of items.entries()) {
    const issues = validateItem(item, family, rules);
    if (issues.length > 0) {
      validated.failures.push(invalidItem(item, index, { issues, budget }));
      validated.reasons.push(rejectionReason(item, issues, rules));
      continue;
    }
    validated.records.push(toRecord(item as AnyEvent, family, rules.receivedAtMs));
    validated.indexes.push(index);
  }
  return validated;
}

/** Returns the failures of the records that were not written. */
export function unwrittenItems(
  items: readonly unknown[],
  { indexes }: ValidatedItems,
  results: readonly DeliveryResult[],
): Failure[] {
  const failures: Failure[] = [];
  for (const [position, result] of results.entries()) {
    const index = indexes[position];
    if (result.kind === 'failed' && index !== undefined) {
      failures.push(unwrittenItem(items[index], index, result.error.message));
    }
  }
  return failures;
}

/** The value is the validated item, serialized again: never bytes that another parser could read differently. */
function toRecord(event: AnyEvent, family: EventFamily, receivedAtMs: number): OutgoingRecord {
  return {
    topic: family.topic.name,
    key: family.key(event),
    value: Buffer.from(JSON.stringify(family.normalize(event))),
    timestampMs: receivedAtMs,
  };
}
