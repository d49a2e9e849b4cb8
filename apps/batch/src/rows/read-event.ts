import {
  decodeEvent,
  EARLIEST_TIMESTAMP_MS,
  EventDecodeError,
  eventTimeRule,
  type AnyEvent,
  type EventFamily,
} from '@hailstream/events';
import type { LogRecord } from '@hailstream/log';

/** Allowed clock difference between ingest, the log and batch, so that every event that ingest accepts is loaded. */
const CLOCKS_DIFFER_MS = 86_400_000;

/** A record cannot be loaded. The message is the reason in `ride.rejects`. */
export class UnloadableError extends Error {
  override readonly name = 'UnloadableError';
}

/** Limits of the event time. */
export interface LoadLimits {
  readonly nowMs: number;
  /** `EVENTS_MAX_AGE_DAYS`. */
  readonly maxAgeDays: number;
  /** Whether an event is older than `BATCH_RETENTION` keeps its rows. @default none is */
  readonly isExpired?: ((providerId: string, timeMs: number) => boolean) | undefined;
}

/**
 * Reads a record's value as an event of a family.
 *
 * @throws UnloadableError if the value is not an event, or if Postgres cannot store it; the message is the reason
 */
export function readEvent<E extends AnyEvent>(
  family: EventFamily<E>,
  { value, timestampMs }: Pick<LogRecord, 'value' | 'timestampMs'>,
  limits: LoadLimits,
): E {
  const event = decode(family, value);
  // In JSON in UTF-8, NUL and halves of surrogate pairs occur only as escapes.
  if (value?.includes('\\u')) refuseUnstorable(event, '');
  requireLoadableTime(family.eventTime(event), timestampMs, limits);
  return event;
}

/** @throws UnloadableError if an event of this time is not loaded */
export function requireLoadableTime(eventMs: number, timestampMs: number, limits: LoadLimits): void {
  const brokenRule = timeRule(eventMs, timestampMs, limits);
  if (brokenRule !== undefined) throw new UnloadableError(`the event's time ${brokenRule}`);
}

/**
 * Checks the age of an event at its receipt, which is the record's timestamp, so that an event remains loadable however long
 * the log retains it. A timestamp that ingest cannot have written is replaced by the current time.
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

/** Rejects text that Postgres cannot store: NUL characters, and halves of surrogate pairs, which UTF-8 cannot encode. */
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
