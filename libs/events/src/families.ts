import type Type from 'typebox';
import { knownLocation, locationIssues, type Location } from './primitives.js';
import { RiderEvent, riderEventIssues } from './rider-event.js';
import { Telemetry } from './telemetry.js';
import {
  riderEventsTopic,
  telemetryTopic,
  tripsTopic,
  vehicleEventsTopic,
  type TopicSpec,
} from './topics.js';
import { Trip, tripIssues } from './trip.js';
import { compileValidator, type Validator } from './validation.js';
import { VehicleEvent, vehicleEventIssues } from './vehicle-event.js';

/** One family of events: how it is checked, and where and under which key it lies in the log. */
export interface EventFamily<T> {
  readonly topic: TopicSpec;
  readonly schema: Type.TSchema;
  readonly validator: Validator<T>;
  /** Whose event it is. */
  providerId(event: T): string;
  /** The id that makes sending again safe. Unique only among the provider's: see {@link identityOf}. */
  id(event: T): string;
  /** The record key: order holds for events with the same one. */
  key(event: T): string;
  /** When it happened, in milliseconds. */
  eventTime(event: T): number;
  /** The event as it goes into the log, and out of it: without headings and speeds that are unknown. */
  normalize(event: T): T;
}

/**
 * What makes it the same event if it is sent again: its id and its provider, each of which names its own events. Two
 * providers may use the same ids, whether by chance or not.
 */
export function identityOf<T>(family: EventFamily<T>, event: T): string {
  return `${family.id(event)}/${family.providerId(event)}`;
}

export const telemetryFamily: EventFamily<Telemetry> = {
  topic: telemetryTopic,
  schema: Telemetry,
  validator: compileValidator(Telemetry, ({ location }) => locationIssues(location, 'location')),
  providerId: (point) => point.provider_id,
  id: (point) => point.telemetry_id,
  key: (point) => point.device_id,
  eventTime: (point) => point.timestamp,
  normalize: withKnownLocation,
};

export const vehicleEventFamily: EventFamily<VehicleEvent> = {
  topic: vehicleEventsTopic,
  schema: VehicleEvent,
  validator: compileValidator(VehicleEvent, vehicleEventIssues),
  providerId: (event) => event.provider_id,
  id: (event) => event.event_id,
  key: (event) => event.device_id,
  eventTime: (event) => event.timestamp,
  normalize: withKnownLocation,
};

export const riderEventFamily: EventFamily<RiderEvent> = {
  topic: riderEventsTopic,
  schema: RiderEvent,
  validator: compileValidator(RiderEvent, riderEventIssues),
  providerId: (event) => event.provider_id,
  id: (event) => event.event_id,
  key: (event) => event.trip_id,
  eventTime: (event) => event.timestamp,
  normalize(given) {
    const event = withKnownLocation(given);
    return event.destination === undefined
      ? event
      : replaced(event, { destination: knownLocation(event.destination) });
  },
};

/** A trip's time is its end: that is when the operator can report it. */
export const tripFamily: EventFamily<Trip> = {
  topic: tripsTopic,
  schema: Trip,
  validator: compileValidator(Trip, tripIssues),
  providerId: (trip) => trip.provider_id,
  id: (trip) => trip.trip_id,
  key: (trip) => trip.trip_id,
  eventTime: (trip) => trip.end_time,
  normalize(given) {
    const trip = replaced(given, {
      start_location: knownLocation(given.start_location),
      end_location: knownLocation(given.end_location),
    });
    const { trip_attributes: attributes } = trip;
    if (attributes?.requested_trip_start_location === undefined) return trip;
    const requestedAt = knownLocation(attributes.requested_trip_start_location);
    return replaced(trip, {
      trip_attributes: replaced(attributes, { requested_trip_start_location: requestedAt }),
    });
  },
};

function withKnownLocation<T extends { readonly location: Location }>(event: T): T {
  return replaced(event, { location: knownLocation(event.location) } as Partial<T>);
}

/** With other values for some fields; the same object if they are the same. */
function replaced<T extends object>(object: T, values: Partial<T>): T {
  const names = Object.keys(values) as (keyof T)[];
  return names.every((name) => object[name] === values[name]) ? object : { ...object, ...values };
}
