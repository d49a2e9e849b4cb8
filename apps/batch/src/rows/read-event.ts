import {
  decodeEvent,
  EARLIEST_TIMESTAMP_MS,
  EventDecodeError,
  eventTimeRule,
  type AnyEvent,
  type EventFamily,
} from '@hailstream/events';
import type { LogRecord } from '@hailstream/log';
import { UnloadableError } from './unloadable.errors.js';

/** Allowed clock difference between ingest, the log and batch, so that every event that ingest accepts is loaded. */
const CLOCKS_DIFFER_MS = 86_400_000;

/** What is loaded: events up to an age, as of now. */
export interface LoadLimits {
  readonly nowMs: number;
  /** `EVENTS_MAX_AGE_DAYS`. */
  readonly maxAgeDays: number;
}

/**
 * Reads a record's value as an event of a family that Postgres can hold.
 *
 * @throws UnloadableError with the reason if it is not one
 */
export function readEvent<E extends AnyEvent>(
  family: EventFamily<E>,
  { value, timestampMs }: Pick<LogRecord, 'value' | 'timestampMs'>,
  limits: LoadLimits,
): E {
  const event = decode(family, value);
  // In JSON that is UTF-8, NUL and halves of surrogate pairs can only be written as escapes.
  if (value?.includes('\\u')) refuseUnstorable(event, '');
  const brokenRule = timeRule(family.eventTime(event), timestampMs, limits);
  if (brokenRule !== undefined) throw new UnloadableError(`the event's time ${brokenRule}`);
  return event;
}

/**
 * The age is that at the receipt, which is the record's timestamp: an event stays loadable however long the log has it.
 * A timestamp that no ingest can have written counts as now.
 */
function timeRule(
  eventMs: number,
  timestampMs: number,
  { nowMs, maxAgeDays }: LoadLimits,
): string | undefined {
  const isReceipt = timestampMs >= EARLIEST_TIMESTAMP_MS && timestampMs <= nowMs + CLOCKS_DIFFER_MS;
  const receivedAtMs = isReceipt ? timestampMs : nowMs;
  if (eventMs > nowMs) return eventTimeRule(eventMs - CLOCKS_DIFFER_MS, { receivedAtMs: nowMs, maxAgeDays });
  return eventTimeRule(Math.min(eventMs + CLOCKS_DIFFER_MS, receivedAtMs), { receivedAtMs, maxAgeDays });
}

function decode<E extends AnyEvent>(family: EventFamily<E>, value: Buffer | null): E {
  try {
    return decodeEvent(family, value);
  } catch (error) {
    if (error instanceof EventDecodeError) throw new UnloadableError(error.message, { cause: error });
    throw error;
  }
}

/** Postgres has no NUL in text, and UTF-8 no half of a surrogate pair. */
function refuseUnstorable(value: unknown, path: string): void {
  if (typeof value === 'string') {
    if (value.includes('\0')) throw new UnloadableError(`${path}: has a NUL character`);
    if (!value.isWellFormed()) throw new UnloadableError(`${path}: has half of a surrogate pair`);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, field] of Object.entries(value)) {
      refuseUnstorable(field, path === '' ? name : `${path}.${name}`);
    }
  }
}
