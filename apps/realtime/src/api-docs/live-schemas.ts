import {
  Location,
  riderEventTypes,
  severities,
  Uuid,
  vehicleEventTypes,
  vehicleStates,
  type RiderEventType,
  type Severity,
  type VehicleEventType,
  type VehicleState,
} from '@hailstream/events';
import type * as live from '@hailstream/events/live';
import Type from 'typebox';

/*
 * JSON schemas of what the service sends. Objects are open: clients ignore fields that they do not know, so that fields can be
 * added.
 */

const orNull = <S extends Type.TSchema>(schema: S) => Type.Union([schema, Type.Null()]);

const Time = (description: string) => Type.Number({ description: `${description}, in milliseconds` });
const Count = (description?: string) =>
  Type.Integer({ minimum: 0, ...(description !== undefined && { description }) });

const State = Type.Enum<VehicleState[]>([...vehicleStates]);
const Contact = Type.Enum<live.Contact[]>(['live', 'stale', 'silent'], {
  description: 'By the age of the last event: recent, older than a minute, older than ten minutes',
});
const Order = Type.Enum<live.HistoryOrder[]>(['event', 'received'], {
  description: 'What had happened by the moment, or what the log had received by then',
});

/** An array with one schema per place. Places beyond `required` may be missing. */
function row<T>(
  description: string,
  places: readonly Type.TSchema[],
  required = places.length,
): Type.TUnsafe<T> {
  const items = [...places];
  return Type.Unsafe<T>({ type: 'array', description, items, minItems: required, additionalItems: false });
}

const lat = Type.Number({ minimum: -90, maximum: 90, title: 'latitude' });
const lng = Type.Number({ minimum: -180, maximum: 180, title: 'longitude' });
const heading = orNull(Type.Number({ minimum: 0, maximum: 360, title: 'heading' }));
const speed = orNull(Type.Number({ minimum: 0, title: 'speed' }));
const provider = Type.Integer({ minimum: 0, title: 'provider' });
const battery = Type.Number({ minimum: 0, maximum: 100, title: 'battery' });

const VehicleRow = row<live.VehicleRow>(
  'Device id, latitude, longitude, heading in degrees clockwise from north, speed in metres per second, state, ' +
    'contact, key of the provider in `providers`, and the battery level in percent if it is known',
  [Uuid, lat, lng, heading, speed, orNull(State), Contact, provider, battery],
  8,
);
const RequestRow = row<live.RequestRow>(
  'Trip id, latitude and longitude of the rider, time of the request in milliseconds, key of the provider',
  [Uuid, lat, lng, Type.Number(), provider],
);
const GoneRow = row<live.GoneRow>('Device id or trip id, key of the provider in `providers`', [
  Uuid,
  provider,
]);
const CellRow = row<live.CellRow>(
  'Latitude and longitude of the centre of a cell, number of vehicles in it by state; none if it has become empty',
  [
    lat,
    lng,
    Type.Unsafe<live.CellRow[2]>({
      type: 'object',
      properties: Object.fromEntries([...vehicleStates, 'unknown'].map((state) => [state, Count()])),
    }),
  ],
);
const TrailPoint = row<live.TrailPoint>(
  'Latitude, longitude, speed in metres per second, event time in milliseconds',
  [lat, lng, speed, Type.Number()],
);

const Providers = Type.Unsafe<live.Frame['providers']>({
  type: 'object',
  description: 'Ids of the providers of the rows, by number. The numbers are valid within this frame only.',
  patternProperties: { '^[0-9]+$': Uuid },
  additionalProperties: false,
});

const Figures = Type.Object(
  {
    byState: Type.Unsafe<live.Figures['byState']>({
      type: 'object',
      description: 'Vehicles with recent events; `unknown`: only positions are known',
      required: [...vehicleStates, 'unknown'],
      properties: Object.fromEntries([...vehicleStates, 'unknown'].map((state) => [state, Count()])),
    }),
    silent: Count('Vehicles without events for so long that they are not drawn'),
    eventsPerSecond: Type.Number({ minimum: 0 }),
    newestEventAt: orNull(Time('Event time of the newest event')),
    newestReceivedAt: orNull(Time('Receipt of the newest record')),
    tripsNow: Count(),
    requestsWaiting: Count(),
    longestWaitMs: Type.Number({ minimum: 0 }),
    cancellations: Count('Requests and reservations cancelled in the last 15 minutes'),
    overQuota: Type.Optional(
      Count(
        'Events of vehicles beyond the maximum number of a provider, which are not shown; not set without such events',
      ),
    ),
    tripsOverQuota: Type.Optional(
      Count(
        'Trips dropped before their time, because a provider had more than the maximum number; not set without such trips',
      ),
    ),
  },
  { description: 'Of all vehicles that the token may see, or of the chosen provider; not only of the area' },
);

const frameFields = {
  asOf: Time("The service's clock when the frame was made, or the moment of the past"),
  tickMs: Type.Number({ minimum: 0, description: 'Milliseconds until the next frame' }),
  providers: Providers,
  vehicles: Type.Array(VehicleRow),
  gone: Type.Array(GoneRow, { description: 'Vehicles that left the area or became silent' }),
  requests: Type.Array(RequestRow, { description: 'Riders who wait in the area' }),
  requestsGone: Type.Array(GoneRow, { description: 'Trips whose riders no longer wait in the area' }),
  cells: Type.Optional(
    Type.Array(CellRow, { description: 'Instead of vehicles, for clients that ask for counts' }),
  ),
  figures: Figures,
};

export const LiveFrame = Type.Object({
  ...frameFields,
  epoch: Count('Changes when the service starts or rebuilds the city'),
  sequence: Count('Incremented with each tick'),
  view: Type.String({ description: 'The area and the provider that are sent' }),
});

export const HistoryFrame = Type.Object({
  ...frameFields,
  seek: Count('The number of the last `openHistory` or `seekHistory` that the frame includes'),
  by: Order,
  unreadableRecords: Count(
    'Records of the log, received up to the moment, that could not be read: something may be missing',
  ),
});

export const BinaryFrame = Type.Unsafe<Uint8Array>({
  type: 'string',
  format: 'binary',
  description: 'A snapshot or frame in the layout of docs/live.md',
});

const Trip = Type.Object({
  trip_id: Uuid,
  requested_at: orNull(Time('Time of the request')),
  destination: orNull(Location),
  last_rider_event: orNull(Type.Enum<RiderEventType[]>([...riderEventTypes])),
});

export const VehicleDetail = Type.Object({
  device_id: Uuid,
  provider_id: Uuid,
  vehicle_state: orNull(State),
  state_since: orNull(Time('Event time of the change to that state')),
  contact: Contact,
  location: orNull(Location),
  located_at: orNull(Time('Event time of the newest position')),
  battery_percent: orNull(battery),
  trip: orNull(Trip),
  trail: Type.Array(TrailPoint, { description: 'The last ten minutes, oldest first' }),
  events: Type.Array(
    Type.Object({
      event_types: Type.Array(Type.Enum<VehicleEventType[]>([...vehicleEventTypes])),
      vehicle_state: State,
      timestamp: Time('Event time'),
    }),
    { description: 'The newest first' },
  ),
});

export const PastVehicleDetail = orNull(VehicleDetail);

export const ServiceStatus = Type.Object({
  asOf: Time("The service's clock"),
  status: Type.Union([
    Type.Object({ kind: Type.Literal('following') }),
    Type.Object({ kind: Type.Literal('waiting'), reason: Type.String() }),
    Type.Object({
      kind: Type.Literal('rebuilding'),
      percent: Type.Number({ minimum: 0, maximum: 100 }),
      reason: orNull(Type.String()),
      since: orNull(Time('When it last had no problem, if it has one')),
    }),
    Type.Object({
      kind: Type.Literal('stalled'),
      reason: Type.String(),
      since: Time('When it last had no problem'),
    }),
  ]),
  unreadable: Type.Object(
    { count: Count(), lastAt: orNull(Time('The last one, if it was recent')) },
    { description: 'Records and batches that could not be decoded since the start' },
  ),
});

export const AlertNumbers = Type.Object({
  asOf: Time("The service's clock"),
  changedAt: Time('When one of the alerts changed last; 0 without alerts'),
  open: Type.Unsafe<Readonly<Record<Severity, number>>>({
    type: 'object',
    required: [...severities],
    properties: Object.fromEntries(severities.map((severity) => [severity, Count()])),
  }),
  acknowledged: Count(),
});

const closeCodes = [
  'CLOSED',
  'NOTHING_RECORDED',
  'TOO_MANY_SESSIONS',
  'HISTORY_DISABLED',
  'LOG_UNREACHABLE',
  'OFFSETS_DELETED',
  'LIMIT_EXCEEDED',
  'IDLE',
  'FAILED',
] as const satisfies readonly live.HistoryCloseCode[];

export const HistoryStatus = Type.Union([
  Type.Object({
    kind: Type.Literal('seeking'),
    at: Time('The moment'),
    percent: Type.Number({ minimum: 0, maximum: 100 }),
  }),
  Type.Object({ kind: Type.Literal('paused'), at: Time('The moment') }),
  Type.Object({ kind: Type.Literal('playing'), at: Time('The moment'), speed: Type.Number() }),
  Type.Object({
    kind: Type.Literal('closed'),
    code: Type.Enum<live.HistoryCloseCode[]>([...closeCodes]),
    reason: Type.String(),
  }),
]);

const refusalCodes = [
  'INVALID',
  'FORBIDDEN',
  'AMBIGUOUS',
  'TOO_MANY_MESSAGES',
] as const satisfies readonly live.Refusal['code'][];

/** The messages that may be refused are those that clients send. */
export function refusalOf(messages: readonly live.Refusal['message'][]) {
  return Type.Object({
    message: Type.Enum<live.Refusal['message'][]>([...messages]),
    code: Type.Enum<live.Refusal['code'][]>([...refusalCodes]),
    reason: Type.String(),
  });
}
