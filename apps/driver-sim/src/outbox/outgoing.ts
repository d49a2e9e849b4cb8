import { eventRegistry, type EventFamily, type EventOf, type FamilyName } from '@hailstream/events';

/** Adds an event to those that are sent to ingest. */
export type Emit = <Name extends FamilyName>(family: Name, event: EventOf<Name>) => void;

/** The families that are sent to ingest: all of the registry. */
export const familyNames = eventRegistry.families.map(({ name }) => name) as readonly FamilyName[];

export function familyOf<Name extends FamilyName>(name: Name): EventFamily<EventOf<Name>> {
  return eventRegistry.byName.get(name) as EventFamily<EventOf<Name>>;
}
