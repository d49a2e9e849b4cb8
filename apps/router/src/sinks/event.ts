import { isUtf8 } from 'node:buffer';
import { eventRegistry } from '@hailstream/events';
import type { LogRecord } from '@hailstream/log';
import type { Event } from '../router-file/filter.js';

/** Latest time of an event in milliseconds: years have four digits. */
const MAX_TIME_MS = Date.UTC(10_000, 0) - 1;

/** Deeper values cannot be encoded as JSON again: encoding is recursive, decoding is not. */
const MAX_DEPTH = 1_000;

/** A record's value is not an event that can be routed. */
class UnreadableEventError extends Error {
  override readonly name = 'UnreadableEventError';
  readonly retryable = false;
}

/**
 * Parses the value of a record. Unknown fields stay: the log may have events of newer versions.
 *
 * @throws UnreadableEventError if the value is not a JSON object in UTF-8, or has more than {@link MAX_DEPTH} levels
 */
export function parseEvent(value: Buffer | null): Event {
  if (value === null) throw new UnreadableEventError('the record has no value');
  if (!isUtf8(value)) throw new UnreadableEventError('the value is not UTF-8');
  let event: unknown;
  try {
    event = JSON.parse(value.toString('utf8'));
  } catch (error) {
    throw new UnreadableEventError(`the value is not JSON: ${(error as Error).message}`, { cause: error });
  }
  if (typeof event !== 'object' || event === null || Array.isArray(event)) {
    throw new UnreadableEventError('the value is not a JSON object');
  }
  // Each level has two brackets.
  if (value.length > 2 * MAX_DEPTH && isDeeperThan(MAX_DEPTH, event)) {
    throw new UnreadableEventError(`the value has more than ${MAX_DEPTH} levels`);
  }
  return event as Event;
}

function isDeeperThan(maxDepth: number, value: object): boolean {
  let level = [value];
  for (let depth = 0; depth < maxDepth; depth += 1) {
    level = level.flatMap((parent) => Object.values(parent)).filter(isObject);
    if (level.length === 0) return false;
  }
  return true;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/**
 * The time of an event in milliseconds; of a topic that has no event family, when the record was received.
 *
 * @throws UnreadableEventError if the event does not have its family's time
 */
export function eventTimeOf(
  topic: string,
  event: Event,
  { timestampMs }: Pick<LogRecord, 'timestampMs'>,
): number {
  const family = eventRegistry.byTopic.get(topic);
  if (family === undefined) return timestampMs;
  const time = event[family.fields.time];
  if (Number.isSafeInteger(time) && (time as number) >= 0 && (time as number) <= MAX_TIME_MS)
    return time as number;
  throw new UnreadableEventError(`${family.fields.time}: expected milliseconds since 1970`);
}
