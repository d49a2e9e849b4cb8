import type { AnyEvent, EventOf, FamilyName } from '@hailstream/events';

/** The vehicle and the trips that an event is about. */
export interface EventSubject {
  readonly deviceId: string | null;
  readonly tripIds: readonly string[];
}

const NO_TRIPS: readonly string[] = [];

type Subjects = { readonly [Name in FamilyName]?: (event: EventOf<Name>) => EventSubject };

/** The families that trips are rebuilt from. The trips that providers report are not one of them. */
const subjects: Subjects = {
  telemetry: ({ device_id: deviceId }) => ({ deviceId, tripIds: NO_TRIPS }),
  'vehicle-events': ({ device_id: deviceId, trip_ids: tripIds }) => ({
    deviceId,
    tripIds: tripIds ?? NO_TRIPS,
  }),
  'rider-events': ({ trip_id: tripId }) => ({ deviceId: null, tripIds: [tripId] }),
};

/** Returns how to find the subject of a family's events; `null` if trips are not rebuilt from them. */
export function subjectsOf(familyName: string): ((event: AnyEvent) => EventSubject) | null {
  // The events of a table are always those of its family.
  return ((subjects as Readonly<Record<string, unknown>>)[familyName] ?? null) as ReturnType<
    typeof subjectsOf
  >;
}
