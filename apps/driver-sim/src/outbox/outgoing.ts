import type { EventFamily, RiderEvent, Telemetry, Trip, VehicleEvent } from '@hailstream/events';
import { riderEventFamily, telemetryFamily, tripFamily, vehicleEventFamily } from '@hailstream/events';

/** Every kind of event that a device or an operator sends. */
export interface OutgoingEvents {
  telemetry: Telemetry;
  vehicleEvents: VehicleEvent;
  riderEvents: RiderEvent;
  trips: Trip;
}
export type OutgoingKind = keyof OutgoingEvents;

/** Takes an event to be sent. */
export type Emit = <Kind extends OutgoingKind>(kind: Kind, event: OutgoingEvents[Kind]) => void;

/** Where each kind goes, and what it is. */
export const routes: {
  readonly [Kind in OutgoingKind]: { path: string; family: EventFamily<OutgoingEvents[Kind]> };
} = {
  telemetry: { path: '/telemetry', family: telemetryFamily },
  vehicleEvents: { path: '/events', family: vehicleEventFamily },
  riderEvents: { path: '/rider-events', family: riderEventFamily },
  trips: { path: '/trips', family: tripFamily },
};

export const outgoingKinds = Object.keys(routes) as OutgoingKind[];
