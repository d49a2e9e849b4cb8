import { riderEventFamily } from './families/rider-event.js';
import { telemetryFamily } from './families/telemetry.js';
import { tripFamily } from './families/trip.js';
import { vehicleEventFamily } from './families/vehicle-event.js';
import { createEventRegistry, type EventRegistry } from './registry/create-event-registry.js';
import type { AnyEvent, EventFamily } from './registry/event-family.js';

/** To add a family, add it here; the compiler and the tests name what else is specific to it (its columns). */
const families = [telemetryFamily, vehicleEventFamily, riderEventFamily, tripFamily] as const;

/** The event families of Hailstream. */
export const eventRegistry: EventRegistry = createEventRegistry(families);

type Family = (typeof families)[number];

/** Name of a family of {@link eventRegistry}. */
export type FamilyName = Family['name'];

type EventsByFamily = {
  readonly [F in Family as F['name']]: F extends EventFamily<infer E extends AnyEvent> ? E : never;
};

/** An event of the family with this name. */
export type EventOf<Name extends FamilyName> = EventsByFamily[Name];
