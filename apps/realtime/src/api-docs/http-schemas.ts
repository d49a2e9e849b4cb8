import { AlertRecord, Location, vehicleStates, ZoneFeature } from '@hailstream/events';
import Type from 'typebox';
import { ServiceStatus, VehicleDetail } from './live-schemas.js';

/*
 * What the HTTP API responds. Objects are open: clients ignore fields that they do not know. Rows within lists are described by the
 * fields that identify them; libs/events has all as types.
 */

type Schema = Readonly<Record<string, unknown>>;

const number: Schema = { type: 'number' };
const count: Schema = { type: 'integer', minimum: 0 };
const text: Schema = { type: 'string' };
const flag: Schema = { type: 'boolean' };
const uuid: Schema = { type: 'string', format: 'uuid' };
const time: Schema = { type: 'number', description: 'In milliseconds' };
const orNull = (schema: object): Schema => ({ anyOf: [schema, { type: 'null' }] });
const list = (items: object): Schema => ({ type: 'array', items });

/** An object with these fields, all of which it has. */
function record(properties: Readonly<Record<string, object>>, description?: string): Schema {
  return {
    type: 'object',
    ...(description && { description }),
    required: Object.keys(properties),
    properties,
  };
}

const numbers: Schema = { type: 'object', additionalProperties: count };
const state = orNull({ enum: vehicleStates });
const contact: Schema = { enum: ['live', 'stale', 'silent'] };
const area = record({ west: number, south: number, east: number, north: number });
const period = record({ from: time, to: time });

const { device_id, provider_id, vehicle_state, state_since, location, located_at, battery_percent } =
  VehicleDetail.properties;
const VehicleSummary = record({
  device_id,
  provider_id,
  vehicle_state,
  state_since,
  contact,
  location,
  located_at,
  battery_percent,
});
const listed = {
  device_id: uuid,
  provider_id: uuid,
  vehicle_state: state,
  contact,
  lat: number,
  lng: number,
};
const listPage = { asOf: time, total: count, offset: count };

const TripSummary = record({
  trip_id: uuid,
  provider_id: uuid,
  device_id: orNull(uuid),
  stage: orNull(text),
  began_at: time,
  requested_at: orNull(time),
  started_at: orNull(time),
  ended_at: orNull(time),
  cancelled_by: orNull(text),
  is_reported: flag,
});

const KpiSeries: Schema = { type: 'object', additionalProperties: list(orNull(number)) };

const DeadLetterSummary = record({
  id: text,
  group: text,
  topic: text,
  partition: count,
  offset: text,
  reason: text,
  errorName: text,
  attempts: count,
  redrives: count,
  receivedAt: orNull(text),
  firstWrittenAt: orNull(text),
  lastWrittenAt: orNull(text),
  redrivenAt: orNull(text),
});
const bytes = orNull(record({ sizeBytes: count, encoding: text, content: text, isTruncated: flag }));

const Alert = Type.Omit(AlertRecord, ['change']);

const features = record({ type: { const: 'FeatureCollection' }, features: list({ type: 'object' }) });

const vehicleList = { ...listPage, count, vehicles: list(VehicleSummary) };

/** Rows are described as in JSON Schema 2020-12, of which AsyncAPI has an older version. */
const VehicleDetailOfHttp = {
  ...VehicleDetail,
  properties: {
    ...VehicleDetail.properties,
    trail: list({
      type: 'array',
      description: 'Latitude, longitude, speed in metres per second, event time in milliseconds',
      minItems: 4,
      maxItems: 4,
    }),
  },
};

/** Schemas of responses by name. */
export const responseSchemas = {
  VehicleList: record({ ...vehicleList }),
  VehicleDetail: VehicleDetailOfHttp,
  FleetExtent: record({ asOf: time, count, bbox: orNull(area) }),
  FleetCount: record({ asOf: time, known: count, matching: count, drawn: count, withBattery: count }),
  DemandMap: record({
    asOf: time,
    resolution: count,
    minutes: count,
    cells: list({
      type: 'array',
      description:
        'H3 index, requests, waiting riders, available vehicles, available vehicles nearby, and the corners as latitude, longitude, …',
      minItems: 6,
      maxItems: 6,
    }),
  }),
  Kpis: record({
    asOf: time,
    window: { enum: ['hour', 'day'] },
    from: time,
    stepMs: number,
    now: { type: 'object', additionalProperties: orNull(number) },
    series: KpiSeries,
    previous: orNull(KpiSeries),
  }),
  SpeedingList: record({
    ...listPage,
    over_kmh: count,
    window: { enum: ['now', 'hour'] },
    vehicles: list(record({ ...listed, speed: number, at: time })),
  }),
  StillnessList: record({
    ...listPage,
    minutes: count,
    byState: numbers,
    vehicles: list(record({ ...listed, still_since: time })),
  }),
  VehicleTimeline: record({
    asOf: time,
    device_id: uuid,
    provider_id: uuid,
    ...(period['properties'] as Record<string, object>),
    earliest: orNull(time),
    states: list(record({ from: time, to: time, vehicle_state: state })),
    trips: list(TripSummary),
    gaps: list(period),
    still: list(record({ from: time, to: time, lat: number, lng: number })),
    distance_meters: number,
    telemetry_problem: orNull(text),
    unreadable_records: count,
  }),
  TripList: record({
    ...listPage,
    count,
    earliest: orNull(time),
    is_cut: flag,
    unreadable_records: count,
    trips: list(TripSummary),
  }),
  TripPage: record({
    asOf: time,
    trip: TripSummary,
    rider_id: orNull(uuid),
    destination: orNull(Location),
    stages: list({ type: 'object' }),
    waits: { type: 'object', additionalProperties: orNull(number) },
    events: list({ type: 'object' }),
    report: orNull({ type: 'object' }),
    report_count: count,
    verdict: { enum: ['none', 'missing', 'extra', 'differs', 'matches'] },
    fields: list({ type: 'object' }),
    unreadable_records: count,
  }),
  TripRoute: record({
    asOf: time,
    trip_id: uuid,
    provider_id: uuid,
    device_id: orNull(uuid),
    from: orNull(time),
    to: orNull(time),
    points: list({ type: 'array', description: 'Latitude, longitude, speed in metres per second, time' }),
    point_count: count,
    approach_meters: number,
    ride_meters: number,
    gaps: list(period),
    unreadable_records: count,
  }),
  SearchResults: record({
    asOf: time,
    total: count,
    results: list(record({ kind: { enum: ['vehicle', 'trip'] }, provider_id: uuid })),
  }),
  ProviderList: record({ asOf: time, providers: list(record({ provider_id: uuid, vehicles: count })) }),
  Stats: record({
    asOf: time,
    devicesSeen: count,
    eventsSeen: count,
    byState: numbers,
    silent: count,
    eventsPerSecond: number,
    tripsNow: count,
    requestsWaiting: count,
    lagRecords: count,
    recordsUnreadable: count,
    status: ServiceStatus.properties.status,
  }),
  HistoryRange: record({
    by: { enum: ['event', 'received'] },
    earliest: orNull(time),
    latest: orNull(time),
    activity: record({ from: time, stepMs: number, counts: list(count) }),
    backfill: orNull(record({ percent: number, since: time })),
  }),
  FeedList: record({
    asOf: time,
    unmeasured: flag,
    unreadableAuditRecords: count,
    feeds: list(record({ provider_id: uuid, status: text, findings: list({ type: 'object' }) })),
  }),
  Alert,
  AlertPage: record({
    asOf: time,
    isCurrent: flag,
    mayAcknowledge: flag,
    rules: record({ count, problems: list(text) }),
    publication: record({ isLeader: flag, waiting: count, failure: orNull(text) }),
    counts: record({ open: numbers, acknowledged: count }),
    total: count,
    alerts: list({ $ref: '#/components/schemas/Alert' }),
    next: orNull(text),
  }),
  ZoneFeature,
  ZoneList: record({
    asOf: time,
    countedSince: orNull(time),
    mayChange: flag,
    problem: orNull(text),
    zones: list(
      record({ id: text, name: text, source: { enum: ['file', 'page'] }, geometry: { type: 'object' } }),
    ),
  }),
  DrawnZone: record({ id: text }),
  DeadLetterPage: record({
    total: count,
    isCurrent: flag,
    truncated: flag,
    groups: list(record({ group: text, topic: text, pattern: text, reason: text, count, redriven: count })),
    deadLetters: list(DeadLetterSummary),
    next: orNull(text),
  }),
  DeadLetterDetail: {
    allOf: [DeadLetterSummary, record({ key: bytes, headers: list({ type: 'object' }), value: bytes })],
  },
  City: record({
    name: text,
    bbox: area,
    attribution: text,
    mapStyleUrl: orNull(text),
    roads: features,
    areas: features,
    places: features,
  }),
  Report: record({
    period: { type: 'object' },
    previous: { type: 'object' },
    providerId: orNull(uuid),
    zone: orNull(text),
    generatedAt: text,
    minCount: count,
    figures: list({ type: 'object' }),
    intervals: list({ type: 'object' }),
    quality: list({ type: 'object' }),
  }),
  PageCommands: record({
    signIn: orNull(text),
    replay: orNull(text),
    signInWith: orNull(record({ name: text, url: text })),
  }),
} as const satisfies Readonly<Record<string, object>>;

export type ResponseSchemaName = keyof typeof responseSchemas;
