import {
  riderEventFamily,
  telemetryFamily,
  tripFamily,
  vehicleEventFamily,
  type EventFamily,
} from '@hailstream/events';

/** What every event has, whatever its family. */
export interface AnyEvent {
  readonly provider_id: string;
}

/** One path that events are sent to. */
export interface Endpoint {
  readonly path: string;
  /** What is sent to it, in words. */
  readonly summary: string;
  readonly family: EventFamily<AnyEvent>;
  /** The field that `family.eventTime` reads. */
  readonly timeField: string;
}

export const telemetryEndpoint: Endpoint = {
  path: 'telemetry',
  summary: 'Reports where vehicles are',
  family: telemetryFamily,
  timeField: 'timestamp',
};

export const vehicleEventsEndpoint: Endpoint = {
  path: 'events',
  summary: 'Reports changes of vehicle states',
  family: vehicleEventFamily,
  timeField: 'timestamp',
};

export const tripsEndpoint: Endpoint = {
  path: 'trips',
  summary: 'Reports trips that have ended',
  family: tripFamily,
  timeField: 'end_time',
};

export const riderEventsEndpoint: Endpoint = {
  path: 'rider-events',
  summary: 'Reports what riders do',
  family: riderEventFamily,
  timeField: 'timestamp',
};

export const endpoints: readonly Endpoint[] = [
  telemetryEndpoint,
  vehicleEventsEndpoint,
  tripsEndpoint,
  riderEventsEndpoint,
];
