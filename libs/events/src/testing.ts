import Type from 'typebox';
import { createEventRegistry } from './registry/create-event-registry.js';
import { defineEventFamily } from './registry/event-family.js';
import { eventRegistry } from './event-registry.js';
import { Location } from './schema/location.js';
import { Timestamp, Uuid } from './schema/primitives.js';

/** A family that is not in {@link eventRegistry}: drivers' shifts. Tests add it, as a developer would add one. */
export const shiftFamily = defineEventFamily({
  name: 'shifts',
  schemaName: 'Shift',
  path: '/shifts',
  summary: 'Report shifts',
  description: 'The start or the end of a shift of a driver.',
  topic: { name: 'ride.shifts', partitions: 2 },
  fields: { id: 'shift_event_id', key: 'driver_id', time: 'happened_at' },
  table: 'shifts',
  schema: Type.Object(
    {
      shift_event_id: Uuid,
      provider_id: Uuid,
      driver_id: Uuid,
      kind: Type.Enum(['start', 'end']),
      happened_at: Timestamp,
      location: Location,
    },
    { additionalProperties: false },
  ),
  locations: ['location'],
  example: {
    shift_event_id: '0197a1c9-7081-7e5a-83b6-afe152832a77',
    provider_id: '2411d395-04f2-47c9-ab66-d09e9e3c3251',
    driver_id: '0197a1ca-8192-7f6b-94c7-b0f263943b88',
    kind: 'start',
    happened_at: 1_750_320_000_000,
    location: { lat: 43.7347, lng: 7.4206 },
  },
});

/** {@link eventRegistry} with {@link shiftFamily}. */
export const registryWithShifts = createEventRegistry([...eventRegistry.families, shiftFamily]);
