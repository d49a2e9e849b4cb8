import type Type from 'typebox';
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
  /** The id that makes sending again safe. */
  id(event: T): string;
  /** The record key: order holds for events with the same one. */
  key(event: T): string;
  /** When it happened, in milliseconds. */
  eventTime(event: T): number;
}

export const telemetryFamily: EventFamily<Telemetry> = {
  topic: telemetryTopic,
  schema: Telemetry,
  validator: compileValidator(Telemetry),
  id: (point) => point.telemetry_id,
  key: (point) => point.device_id,
  eventTime: (point) => point.timestamp,
};

export const vehicleEventFamily: EventFamily<VehicleEvent> = {
  topic: vehicleEventsTopic,
  schema: VehicleEvent,
  validator: compileValidator(VehicleEvent, vehicleEventIssues),
  id: (event) => event.event_id,
  key: (event) => event.device_id,
  eventTime: (event) => event.timestamp,
};

export const riderEventFamily: EventFamily<RiderEvent> = {
  topic: riderEventsTopic,
  schema: RiderEvent,
  validator: compileValidator(RiderEvent, riderEventIssues),
  id: (event) => event.event_id,
  key: (event) => event.trip_id,
  eventTime: (event) => event.timestamp,
};

/** A trip's time is its end: that is when the operator can report it. */
export const tripFamily: EventFamily<Trip> = {
  topic: tripsTopic,
  schema: Trip,
  validator: compileValidator(Trip, tripIssues),
  id: (trip) => trip.trip_id,
  key: (trip) => trip.trip_id,
  eventTime: (trip) => trip.end_time,
};
