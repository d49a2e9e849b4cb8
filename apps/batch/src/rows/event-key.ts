import type { EventFamily } from '@hailstream/events';
import { isUuid } from '@hailstream/service/uuid';
import { isStorableTime } from './day.js';
import type { RowKey } from './row-keys.js';

/**
 * Returns the key of the event in a record, even if the current schema or the current limits reject the event; `undefined`
 * if the record cannot have a row.
 */
export function eventKeyIn({ fields }: EventFamily, value: Buffer | null): RowKey | undefined {
  const event = parse(value);
  if (typeof event !== 'object' || event === null) return undefined;
  const {
    [fields.id]: id,
    [fields.time]: timeMs,
    provider_id: providerId,
  } = event as Record<string, unknown>;
  if (typeof id !== 'string' || typeof providerId !== 'string' || !isUuid(id) || !isUuid(providerId))
    return undefined;
  if (!Number.isSafeInteger(timeMs) || !isStorableTime(timeMs as number)) return undefined;
  return { id: id.toLowerCase(), providerId: providerId.toLowerCase(), timeMs: timeMs as number };
}

function parse(value: Buffer | null): unknown {
  try {
    return JSON.parse(value?.toString('utf8') ?? '');
  } catch {
    return undefined;
  }
}
