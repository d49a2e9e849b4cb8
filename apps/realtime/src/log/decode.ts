import { decodeEvent, EventDecodeError, eventRegistry, type EventRegistry } from '@hailstream/events';
import type { CityEvent } from '../fold/city-state.js';

/**
 * Decodes a record's value.
 *
 * @throws EventDecodeError if it is not an event of the topic's family
 */
type Decode = (value: Buffer | null) => CityEvent;

/** Creates the decoders of a registry's families, by topic. */
export function createDecoders({ families }: EventRegistry): ReadonlyMap<string, Decode> {
  return new Map(
    families.map((family) => [
      family.topic.name,
      (value) => ({ kind: family.name, event: decodeEvent(family, value) }) as CityEvent,
    ]),
  );
}

export const decoders = createDecoders(eventRegistry);

/** `null` if the value is not an event of the topic's family. */
export function decodeRecord(topic: string, value: Buffer | null): CityEvent | null {
  try {
    return decoders.get(topic)?.(value) ?? null;
  } catch (error) {
    if (error instanceof EventDecodeError) return null;
    throw error;
  }
}
