import { ZONE_ID_PATTERN } from '@hailstream/events';
import type { Scope } from '@hailstream/service/tokens';
import { SORT_KEYS } from '../vehicles/vehicle-query.js';
import {
  alertFilter,
  bbox,
  cursor,
  integer,
  moment,
  page,
  pathId,
  providerId,
  query,
  selection,
  stages,
  stillnessStates,
  text,
  time,
  type Parameter,
} from './http-parameters.js';
import type { ResponseSchemaName } from './http-schemas.js';

/** What a request to a path does. */
export interface HttpOperation {
  readonly method: 'get' | 'post' | 'delete';
  readonly id: string;
  readonly summary: string;
  /** `null`: needs no token. @default read */
  readonly scope?: Scope | null;
  readonly parameters?: readonly Parameter[];
  /** The schema of the body of the request. */
  readonly body?: ResponseSchemaName;
  /** Status and schema of the response; without a schema, it has no body. */
  readonly response: { readonly status: number; readonly schema?: ResponseSchemaName };
  /** Further statuses besides 400 and 401, and 503 until the city is rebuilt. */
  readonly problems?: readonly (403 | 404 | 409)[];
  /** Whether it responds while the city is being rebuilt. @default false */
  readonly isAlwaysServed?: boolean;
}

const ok = (schema: ResponseSchemaName) => ({ status: 200, schema });

const device = pathId('device_id', 'The vehicle');
const trip = pathId('trip_id', 'The trip');
const lists = page({ default: 50, maximum: 1_000 }, 10_000_000);

/** The operations of each path. `GET /stream` sends events without end, which AsyncAPI describes. */
export const httpOperations: Readonly<Record<string, readonly HttpOperation[]>> = {
  '/vehicles': [
    {
      method: 'get',
      id: 'vehicles',
      summary: 'Vehicles with a position, now or at a moment of the past',
      parameters: [
        ...selection,
        ...moment,
        query('sort', 'The field to sort by, with `-` for the reverse order', {
          enum: SORT_KEYS.flatMap((key) => [key, `-${key}`]),
        }),
        ...page({ maximum: 100_000 }, 10_000_000),
      ],
      response: ok('VehicleList'),
      problems: [404],
    },
  ],
  '/vehicles/extent': [
    {
      method: 'get',
      id: 'vehicles-extent',
      summary: 'The smallest area that contains all vehicles that are drawn',
      parameters: selection,
      response: ok('FleetExtent'),
    },
  ],
  '/vehicles/count': [
    {
      method: 'get',
      id: 'vehicles-count',
      summary: 'Numbers of vehicles',
      parameters: [...selection, ...moment],
      response: ok('FleetCount'),
      problems: [404],
    },
  ],
  '/vehicles/{device_id}': [
    {
      method: 'get',
      id: 'vehicle',
      summary: 'A vehicle with its trip, its trail and its last events',
      parameters: [device, providerId],
      response: ok('VehicleDetail'),
      problems: [404, 409],
    },
  ],
  '/vehicles/{device_id}/timeline': [
    {
      method: 'get',
      id: 'vehicle-timeline',
      summary:
        'States, trips, silences and standstills of a vehicle, at most seven days; the last day by default',
      parameters: [device, providerId, time('from', 'The start'), time('to', 'The end, not before `from`')],
      response: ok('VehicleTimeline'),
      problems: [404, 409],
    },
  ],
  '/trips': [
    {
      method: 'get',
      id: 'trips',
      summary: 'Trips, the latest first',
      parameters: [
        text('q', 'A part of the id of the trip, or of its vehicle', 100),
        providerId,
        query('device_id', 'Only trips of this vehicle', { type: 'string', format: 'uuid' }),
        stages,
        time('from', 'Only trips that lasted until then or later'),
        time('to', 'Only trips that began until then, not before `from`'),
        ...page({ default: 50, maximum: 500 }, 200_000),
      ],
      response: ok('TripList'),
      problems: [404],
    },
  ],
  '/trips/{trip_id}': [
    {
      method: 'get',
      id: 'trip',
      summary: 'A trip with its stages, its events and the report of the operator',
      parameters: [trip, providerId],
      response: ok('TripPage'),
      problems: [404, 409],
    },
  ],
  '/trips/{trip_id}/route': [
    {
      method: 'get',
      id: 'trip-route',
      summary: 'The positions of the vehicle of a trip',
      parameters: [trip, providerId],
      response: ok('TripRoute'),
      problems: [404, 409],
    },
  ],
  '/search': [
    {
      method: 'get',
      id: 'search',
      summary: 'Vehicles and trips by a part of their id, the best match first',
      parameters: [
        text('q', 'The text', 100),
        providerId,
        integer('limit', 'Maximum number of results', { default: 20, minimum: 1, maximum: 100 }),
      ],
      response: ok('SearchResults'),
    },
  ],
  '/providers': [
    {
      method: 'get',
      id: 'providers',
      summary: 'Providers of which an event was received',
      response: ok('ProviderList'),
    },
  ],
  '/stats': [
    { method: 'get', id: 'stats', summary: 'Counts and figures as of the last tick', response: ok('Stats') },
  ],
  '/demand': [
    {
      method: 'get',
      id: 'demand',
      summary: 'Requests, waiting riders and available vehicles by H3 cell',
      parameters: [
        providerId,
        bbox,
        integer('resolution', 'Resolution of the cells', { default: 8, minimum: 4, maximum: 10 }),
        integer('minutes', 'Requests of the last minutes', { default: 15, minimum: 1, maximum: 60 }),
        ...moment,
      ],
      response: ok('DemandMap'),
      problems: [404],
    },
  ],
  '/kpis': [
    {
      method: 'get',
      id: 'kpis',
      summary: 'Key figures over time',
      parameters: [
        providerId,
        query('window', 'An hour in minutes, or a day in quarters of an hour', {
          enum: ['hour', 'day'],
          default: 'hour',
        }),
        ...moment,
      ],
      response: ok('Kpis'),
      problems: [404],
    },
  ],
  '/speeding': [
    {
      method: 'get',
      id: 'speeding',
      summary: 'Vehicles that are faster than a limit, the fastest first',
      parameters: [
        providerId,
        integer('over_kmh', 'The limit in km/h', { default: 60, minimum: 1, maximum: 1_000 }),
        query('window', 'Now, or within the last hour', { enum: ['now', 'hour'], default: 'now' }),
        ...lists,
        ...moment,
      ],
      response: ok('SpeedingList'),
      problems: [404],
    },
  ],
  '/stillness': [
    {
      method: 'get',
      id: 'stillness',
      summary: 'Vehicles that stand still, the longest first',
      parameters: [
        providerId,
        integer('minutes', 'For at least so long', { default: 10, minimum: 2, maximum: 60 }),
        stillnessStates,
        ...lists,
        ...moment,
      ],
      response: ok('StillnessList'),
      problems: [404],
    },
  ],
  '/history': [
    {
      method: 'get',
      id: 'history',
      summary: 'The moments that can be shown, and how many events they have',
      parameters: [
        moment[1]!,
        providerId,
        time('from', 'The start of the counts'),
        time('to', 'The end of the counts'),
        integer('intervals', 'Number of counts', { default: 200, minimum: 1, maximum: 1_000 }),
      ],
      response: ok('HistoryRange'),
      problems: [404],
    },
  ],
  '/feeds': [
    {
      method: 'get',
      id: 'feeds',
      summary: "The health of the providers' feeds, the worst first",
      parameters: [providerId],
      response: ok('FeedList'),
    },
  ],
  '/alerts': [
    {
      method: 'get',
      id: 'alerts',
      summary: 'Alerts, the newest first',
      parameters: [
        ...alertFilter,
        text('rule', 'Only alerts of this rule', 200),
        providerId,
        integer('limit', 'Maximum number of alerts', { default: 50, minimum: 1, maximum: 500 }),
        cursor,
      ],
      response: ok('AlertPage'),
      isAlwaysServed: true,
    },
  ],
  '/alerts/{alert_id}/acknowledge': [
    {
      method: 'post',
      id: 'acknowledge-alert',
      summary: 'Acknowledges an alert',
      scope: 'acknowledge',
      parameters: [pathId('alert_id', 'The alert')],
      response: ok('Alert'),
      problems: [403, 404],
    },
  ],
  '/zones': [
    {
      method: 'get',
      id: 'zones',
      summary: 'Zones, with the vehicles in them and their visits',
      response: ok('ZoneList'),
    },
    {
      method: 'post',
      id: 'draw-zone',
      summary: 'Adds or replaces a drawn zone; requires a token for all providers',
      scope: 'operate',
      body: 'ZoneFeature',
      response: { status: 201, schema: 'DrawnZone' },
      problems: [403, 409],
    },
  ],
  '/zones/{zone_id}': [
    {
      method: 'delete',
      id: 'remove-zone',
      summary: 'Removes a drawn zone; requires a token for all providers',
      scope: 'operate',
      parameters: [pathId('zone_id', 'The zone', { type: 'string', pattern: ZONE_ID_PATTERN })],
      response: { status: 204 },
      problems: [403, 404, 409],
    },
  ],
  '/dead-letters': [
    {
      method: 'get',
      id: 'dead-letters',
      summary: 'Records that could not be processed, the latest first',
      parameters: [
        text('group', 'Only those of this consumer group', 1_000),
        text('topic', 'Only those of this topic', 1_000),
        text('reason', 'Only those whose reason contains this text', 1_000),
        time('since', 'Only those that were written since then'),
        time('until', 'Only those that were written until then'),
        query('all', 'Redriven ones as well', { enum: ['true', 'false'], default: 'false' }),
        integer('limit', 'Maximum number of dead letters', { default: 50, minimum: 1, maximum: 500 }),
        cursor,
      ],
      response: ok('DeadLetterPage'),
      isAlwaysServed: true,
    },
  ],
  '/dead-letters/record': [
    {
      method: 'get',
      id: 'dead-letter',
      summary: 'A dead letter with its record',
      parameters: [
        { ...text('id', 'The `id` of a dead letter', 1_000), required: true, schema: { type: 'string' } },
      ],
      response: ok('DeadLetterDetail'),
      problems: [404],
      isAlwaysServed: true,
    },
  ],
  '/city': [
    { method: 'get', id: 'city', summary: 'The base map', response: ok('City'), isAlwaysServed: true },
  ],
  '/reports': [
    {
      method: 'get',
      id: 'report',
      summary: 'A report of a day, a week or a month, computed by the batch service',
      parameters: [
        query('day', 'Either this', { type: 'string', format: 'date' }, '2026-03-01'),
        text('week', 'or an ISO week such as 2026-W09', 20),
        text('month', 'or a month such as 2026-03', 20),
        text('time_zone', 'The time zone of the period; UTC if omitted', 100),
        providerId,
        text('zone', 'The id or the name of a zone', 100),
      ],
      response: ok('Report'),
      problems: [404],
    },
  ],
  '/commands': [
    {
      method: 'get',
      id: 'commands',
      summary: 'Shell commands that the page shows, and where users sign in',
      scope: null,
      response: ok('PageCommands'),
      isAlwaysServed: true,
    },
  ],
};
