import { alertStates, severities, vehicleStates } from '@hailstream/events';

/** A parameter in a query or a path. @see OpenAPI 3.1, Parameter Object */
export interface Parameter {
  readonly name: string;
  readonly in: 'query' | 'path' | 'header';
  readonly required?: boolean;
  readonly description: string;
  readonly schema: object;
  readonly example?: unknown;
  readonly style?: 'form';
  readonly explode?: boolean;
}

const uuid = { type: 'string', format: 'uuid' };
const states = [...vehicleStates, 'unknown'];

/** An example of a moment without the milliseconds that generators add. */
const TIME_EXAMPLE = '2026-01-31T08:42:00Z';

export function query(name: string, description: string, schema: object, example?: unknown): Parameter {
  return {
    name,
    in: 'query',
    description,
    schema: orEmpty(schema),
    ...(example !== undefined && { example }),
  };
}

/** An empty value is the same as none. */
function orEmpty(schema: object): object {
  const { default: value, ...rest } = schema as { readonly default?: unknown };
  return { anyOf: [rest, { const: '' }], ...(value !== undefined && { default: value }) };
}

export function integer(
  name: string,
  description: string,
  range: { readonly default?: number; readonly minimum: number; readonly maximum: number },
): Parameter {
  return query(name, description, { type: 'integer', ...range });
}

/** One of the values, or several that are separated by commas. */
function choices(name: string, description: string, values: readonly string[]): Parameter {
  const schema = { type: 'array', items: { enum: values } };
  return { name, in: 'query', description, schema, example: [values[0]], style: 'form', explode: false };
}

export function pathId(name: string, description: string, schema: object = uuid): Parameter {
  return { name, in: 'path', required: true, description, schema };
}

export function time(name: string, description: string): Parameter {
  return query(name, description, { type: 'string', format: 'date-time' }, TIME_EXAMPLE);
}

export const providerId = query(
  'provider_id',
  'Only this provider; all that the token may see if omitted',
  uuid,
);

const lng = { type: 'number', minimum: -180, maximum: 180 };
const lat = { type: 'number', minimum: -90, maximum: 90 };

export const bbox: Parameter = {
  name: 'bbox',
  in: 'query',
  description:
    'west,south,east,north in degrees; south is not greater than north, and west is greater than east across the antimeridian',
  schema: { type: 'array', prefixItems: [lng, lat, lng, lat], items: false, minItems: 4 },
  example: [7.4, 43.72, 7.45, 43.76],
  style: 'form',
  explode: false,
};

/** As of which moment, and by which order of events. */
export const moment = [
  time('at', 'The moment, between `earliest` and `latest` of `GET /history`; now if omitted'),
  query('by', 'Which events a moment of the past includes: those that had happened, or had been received', {
    enum: ['event', 'received'],
    default: 'event',
  }),
];

export const selection = [
  providerId,
  bbox,
  choices('state', 'Only vehicles in these states', states),
  choices('contact', 'Only vehicles with this contact', ['live', 'stale', 'silent']),
  integer('battery_below', 'Only vehicles with a lower battery level, in percent', {
    minimum: 1,
    maximum: 100,
  }),
];

export function page(limit: { readonly default?: number; readonly maximum: number }, maxOffset: number) {
  return [
    integer('offset', 'How many are left out before the first', {
      default: 0,
      minimum: 0,
      maximum: maxOffset,
    }),
    integer('limit', 'Maximum number in the response', { ...limit, minimum: 1 }),
  ];
}

export const stillnessStates = choices('state', 'Only vehicles in these states', states);
export const alertFilter = [
  choices('state', 'Only alerts in these states', alertStates),
  choices('severity', 'Only alerts of these severities', severities),
];
export const stages = choices('stage', 'Only trips in these stages', [
  'requested',
  'reserved',
  'on_trip',
  'stopped',
  'ended',
  'cancelled',
  'unknown',
]);

export const cursor = query('cursor', '`next` of the previous page', {
  type: 'string',
  minLength: 1,
  maxLength: 1000,
});

export function text(name: string, description: string, maxLength: number): Parameter {
  return query(name, description, { type: 'string', maxLength });
}
