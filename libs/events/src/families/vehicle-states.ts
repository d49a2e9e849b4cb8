/** The vehicle states of MDS passenger services. */
export const vehicleStates = [
  'available',
  'reserved',
  'on_trip',
  'stopped',
  'non_operational',
  'non_contactable',
  'elsewhere',
  'removed',
] as const;
export type VehicleState = (typeof vehicleStates)[number];

/**
 * Every valid transition of MDS passenger services: from a state, to a state, by an event type.
 *
 * @see MDS 2.0.2, modes, passenger services, vehicle states events
 */
export const transitions = [
  ['available', 'elsewhere', 'trip_leave_jurisdiction'],
  ['available', 'non_contactable', 'comms_lost'],
  ['available', 'non_operational', 'service_end'],
  ['available', 'reserved', 'reservation_start'],
  ['elsewhere', 'available', 'trip_enter_jurisdiction'],
  ['elsewhere', 'non_contactable', 'comms_lost'],
  ['elsewhere', 'non_operational', 'trip_enter_jurisdiction'],
  ['elsewhere', 'on_trip', 'trip_enter_jurisdiction'],
  ['elsewhere', 'reserved', 'trip_enter_jurisdiction'],
  ['non_contactable', 'available', 'comms_restored'],
  ['non_contactable', 'elsewhere', 'comms_restored'],
  ['non_contactable', 'non_operational', 'comms_restored'],
  ['non_contactable', 'on_trip', 'comms_restored'],
  ['non_contactable', 'removed', 'comms_restored'],
  ['non_contactable', 'reserved', 'comms_restored'],
  ['non_contactable', 'stopped', 'comms_restored'],
  ['non_operational', 'available', 'service_start'],
  ['non_operational', 'elsewhere', 'trip_leave_jurisdiction'],
  ['non_operational', 'non_contactable', 'comms_lost'],
  ['non_operational', 'non_operational', 'maintenance'],
  ['non_operational', 'non_operational', 'maintenance_end'],
  ['non_operational', 'removed', 'maintenance_pick_up'],
  ['non_operational', 'removed', 'decommissioned'],
  ['on_trip', 'elsewhere', 'trip_leave_jurisdiction'],
  ['on_trip', 'non_contactable', 'comms_lost'],
  ['on_trip', 'stopped', 'trip_stop'],
  ['removed', 'non_contactable', 'comms_lost'],
  ['removed', 'non_operational', 'maintenance_end'],
  ['removed', 'non_operational', 'recommissioned'],
  ['reserved', 'available', 'driver_cancellation'],
  ['reserved', 'available', 'passenger_cancellation'],
  ['reserved', 'available', 'provider_cancellation'],
  ['reserved', 'elsewhere', 'trip_leave_jurisdiction'],
  ['reserved', 'non_contactable', 'comms_lost'],
  ['reserved', 'stopped', 'reservation_stop'],
  ['stopped', 'available', 'driver_cancellation'],
  ['stopped', 'available', 'passenger_cancellation'],
  ['stopped', 'available', 'provider_cancellation'],
  ['stopped', 'available', 'trip_end'],
  ['stopped', 'non_contactable', 'comms_lost'],
  ['stopped', 'on_trip', 'trip_resume'],
  ['stopped', 'on_trip', 'trip_start'],
] as const satisfies readonly (readonly [VehicleState, VehicleState, string])[];

/** The event types of the valid transitions. */
export type VehicleEventType = (typeof transitions)[number][2];

/** All event types, each once, in the order of {@link transitions}. */
export const vehicleEventTypes: readonly VehicleEventType[] = [...new Set(transitions.map(([, , by]) => by))];

/** Event types that concern a trip, and therefore require `trip_ids`. */
export const tripEventTypes: ReadonlySet<VehicleEventType> = new Set([
  'reservation_start',
  'reservation_stop',
  'trip_start',
  'trip_resume',
  'trip_stop',
  'trip_end',
  'passenger_cancellation',
  'provider_cancellation',
  'driver_cancellation',
] as const);

const validArrivals = new Set(transitions.map(([, to, by]) => `${to}:${by}`));

/** Whether an event type can lead to a state, from any other. */
export function isValidArrival(state: VehicleState, by: VehicleEventType): boolean {
  return validArrivals.has(`${state}:${by}`);
}

/**
 * Whether the event types, in this order, can lead from one state to another. MDS allows several in one event, without
 * the intermediate states.
 */
export function isValidChange(change: {
  from: VehicleState;
  to: VehicleState;
  eventTypes: readonly VehicleEventType[];
}): boolean {
  let reached = new Set<VehicleState>([change.from]);
  for (const eventType of change.eventTypes) {
    reached = new Set(
      transitions.filter(([from, , by]) => by === eventType && reached.has(from)).map(([, to]) => to),
    );
  }
  return change.eventTypes.length > 0 && reached.has(change.to);
}
