import type { OutgoingRecord, RecordFate } from '@hailstream/log';
import { invalidItem, unwrittenItem, type Failure } from './bulk-response.js';
import type { AnyEvent, Endpoint } from './endpoints.js';
import { judgeItem, type JudgedBy } from './judge-item.js';

/** The items of a request: those that are events, as records; and those that are not. */
export interface SortedItems {
  readonly records: OutgoingRecord[];
  /** Place in the request of each record. */
  readonly indexes: number[];
  readonly failures: Failure[];
}

export function sortItems(items: readonly unknown[], endpoint: Endpoint, by: JudgedBy): SortedItems {
  const sorted: SortedItems = { records: [], indexes: [], failures: [] };
  for (const [index, item] of items.entries()) {
    const issues = judgeItem(item, endpoint, by);
    if (issues.length > 0) {
      sorted.failures.push(invalidItem(item, index, issues));
      continue;
    }
    sorted.records.push(toRecord(item as AnyEvent, endpoint, by.receivedAtMs));
    sorted.indexes.push(index);
  }
  return sorted;
}

/** The failures of those records that the log did not take. */
export function unwrittenItems(
  items: readonly unknown[],
  { indexes }: SortedItems,
  fates: readonly RecordFate[],
): Failure[] {
  const failures: Failure[] = [];
  for (const [place, fate] of fates.entries()) {
    const index = indexes[place];
    if (fate.kind === 'failed' && index !== undefined) {
      failures.push(unwrittenItem(items[index], index, fate.error.message));
    }
  }
  return failures;
}

/** The value is what was checked, serialized again: never bytes that another parser could read differently. */
function toRecord(event: AnyEvent, { family }: Endpoint, receivedAtMs: number): OutgoingRecord {
  return {
    topic: family.topic.name,
    key: family.key(event),
    value: Buffer.from(JSON.stringify(family.normalize(event))),
    timestampMs: receivedAtMs,
  };
}
