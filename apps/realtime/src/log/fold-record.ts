import type { LogRecord } from '@hailstream/log';
import { timeOf, type CityEvent, type CityState, type FoldOutcome } from '../fold/city-state.js';
import { decoders } from './decode.js';
import type { LogIndex } from './log-index.js';

/**
 * Folds a record into a city, and notes it in the index. `time` is its event time, `null` if its clock is too far ahead.
 *
 * @throws EventDecodeError if it is not an event of the topic's family
 */
export function foldRecord(
  { city, index }: { readonly city: CityState; readonly index: LogIndex },
  { topic, partition }: { readonly topic: string; readonly partition: number },
  { offset, value, timestampMs: receivedAt }: LogRecord,
): { readonly input: CityEvent; readonly outcome: FoldOutcome; readonly time: number | null } {
  const decode = decoders.get(topic);
  if (decode === undefined) throw new Error(`no decoder for the topic ${topic}`);
  const input = decode(value);
  const outcome = city.fold(input, { receivedAt, now: Date.now() });
  const time = timeOf(input, receivedAt);
  // Not copied to the late events either.
  if (outcome === 'erased') return { input, outcome, time };
  index.note({
    topic,
    partition,
    offset: Number(offset),
    providerId: input.event.provider_id,
    event: time,
    received: receivedAt,
    value,
  });
  return { input, outcome, time };
}
