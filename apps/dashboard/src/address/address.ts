import type { HistoryOrder, VehicleQuery } from '@hailstream/events/live';
import { alertsPages } from '../alert-state/alerts-state.js';
import type { TripRef } from '../city-state/waiting-riders.js';
import { isUuid } from '@hailstream/service/uuid';
import { type DrawnState, statesOnMap } from '../city-state/drawn-state.js';
import { type Language, languages, type Units, unitSystems } from '../locale/locale.js';
import { isTimeZone } from '../locale/time-zone.js';
import { kindOfPeriod } from './report-period.js';
import { contactChoices } from '../city-state/fleet-filter.js';
import { labelChoices } from '../city-state/label-choice.js';
import {
  heatChoices,
  heatMinutes,
  type HeatMinutes,
  listChoices,
  SPEED_LIMITS,
  STILL_LIMITS,
  stillStates,
} from './choices.js';
import type { ThemeChoice } from '../theme/theme.js';

const pageNames = ['map', 'table', 'dead-letters', 'trips', 'trip', 'vehicle', 'feeds', 'reports'] as const;
export type PageName = (typeof pageNames)[number];

const tableColumns = [
  'device',
  'provider',
  'state',
  'contact',
  'battery',
  'speed',
  'heading',
  'lat',
  'lng',
] as const;
export type TableColumn = (typeof tableColumns)[number];

/** The stages that trips are listed by. */
export const stageFilters = ['requested', 'reserved', 'on_trip', 'stopped', 'ended', 'cancelled'] as const;
export type StageFilter = (typeof stageFilters)[number];

export interface TableOrder {
  readonly column: TableColumn;
  readonly direction: 'ascending' | 'descending';
}

/** What the map shows. */
export interface Camera {
  readonly center: readonly [lng: number, lat: number];
  readonly zoom: number;
}

/** One parameter of the page's address. */
interface Parameter<T> {
  /** The value if the address does not have the parameter. */
  readonly initial: T;
  /** What a valid value is, for the message about an invalid one. */
  readonly expected: string;
  /** `undefined` if the text is not valid. */
  readonly parse: (text: string) => T | undefined;
  /** `null` omits the parameter. */
  readonly format: (value: T) => string | null;
  /** Whether a change is an entry of the browser's history; if omitted, it never is. */
  readonly isStep?: ((before: T, after: T) => boolean) | undefined;
  /** Whether the current value is kept if an entry of the history does not have the parameter. */
  readonly isKept?: true;
}

/** Everything that the address describes. A further parameter needs an entry here and a store with its value. */
export const parameters = {
  view: choice(pageNames, { initial: 'map', isStep: () => true }),
  map: define<Camera | null>({
    initial: null,
    expected: 'zoom/latitude/longitude',
    parse: parseCamera,
    format: formatCamera,
    isKept: true,
  }),
  states: define<ReadonlySet<DrawnState>>({
    initial: new Set(),
    expected: `some of ${statesOnMap.join(', ')}, or none`,
    parse: parseShownStates,
    format: formatShownStates,
  }),
  vehicle: define<VehicleQuery | null>({
    initial: null,
    expected: 'a device id, or provider id/device id',
    parse: parseVehicle,
    format: formatVehicle,
    // Without the provider, it is still the same vehicle.
    isStep: (before, after) => before?.deviceId !== after?.deviceId || before?.providerId !== null,
  }),
  at: define<number | null>({
    ...time(),
    // Entering and leaving the past; moving within it is not.
    isStep: (before, after) => before === null || after === null,
  }),
  by: choice<HistoryOrder>(['event', 'received'], { initial: 'event' }),
  trip: define<TripRef | null>({
    initial: null,
    expected: 'provider id/trip id',
    parse: parseTrip,
    format: (trip) => (trip === null ? null : `${trip.providerId}/${trip.tripId}`),
    isStep: () => true,
  }),
  provider: providerId(),
  battery: wholeNumber<number | null>({ minimum: 1, maximum: 100, initial: null }),
  contact: choice(contactChoices, { initial: 'any' }),
  labels: choice(labelChoices, { initial: 'id' }),
  follow: define<boolean>({
    initial: false,
    expected: 'yes',
    parse: (value) => (value === 'yes' ? true : undefined),
    format: (isFollowed) => (isFollowed ? 'yes' : null),
  }),
  heat: choice(heatChoices, { initial: 'none' }),
  minutes: define<HeatMinutes>({
    initial: 15,
    expected: `one of ${heatMinutes.join(', ')}`,
    parse: (value) => heatMinutes.find((known) => String(known) === value),
    format: (value) => (value === 15 ? null : String(value)),
  }),
  kpis: choice(['closed', 'hour', 'day'], { initial: 'closed' }),
  list: choice(listChoices, { initial: 'none' }),
  over: wholeNumber({ ...SPEED_LIMITS, initial: 60 }),
  within: choice(['now', 'hour'], { initial: 'now' }),
  still: wholeNumber({ ...STILL_LIMITS, initial: 10 }),
  stillin: choice(stillStates, { initial: 'all' }),
  colors: choice(['state', 'provider'], { initial: 'state' }),
  riders: choice(['shown', 'hidden'], { initial: 'shown' }),
  alerts: choice(alertsPages, {
    initial: 'closed',
    isStep: (before, after) => before === 'closed' || after === 'closed',
  }),
  zones: choice(['shown', 'hidden'], { initial: 'shown' }),
  q: text(100),
  sort: define<TableOrder>({
    initial: { column: 'device', direction: 'ascending' },
    expected: `one of ${tableColumns.join(', ')}, with - in front if descending`,
    parse: parseOrder,
    format: formatOrder,
  }),
  trip_text: text(100),
  stage: define<StageFilter | ''>({
    initial: '',
    expected: `one of ${stageFilters.join(', ')}`,
    parse: (value) => stageFilters.find((known) => known === value),
    format: (stage) => (stage === '' ? null : stage),
  }),
  from: time(),
  to: time(),
  page: define<number>({
    initial: 0,
    expected: 'a whole number from 1',
    parse: (value) => (/^[1-9]\d{0,4}$/.test(value) ? Number(value) - 1 : undefined),
    format: (page) => (page === 0 ? null : String(page + 1)),
    isStep: () => true,
  }),
  day: define<string | null>({
    initial: null,
    expected: 'a day: 2026-11-29',
    parse: (value) => (isDay(value) ? value : undefined),
    format: (day) => day,
    isStep: () => true,
  }),
  reason: text(200),
  redriven: define<boolean>({
    initial: false,
    expected: 'yes',
    parse: (value) => (value === 'yes' ? true : undefined),
    format: (isIncluded) => (isIncluded ? 'yes' : null),
  }),
  letter: { ...text(300), isStep: () => true },
  feed: { ...providerId(), isStep: () => true },
  report: define<string | null>({
    initial: null,
    expected: 'a day, week or month: 2026-11-29, 2026-W48 or 2026-11',
    parse: (value) => (kindOfPeriod(value) === undefined ? undefined : value),
    format: (period) => period,
    isStep: () => true,
  }),
  embed: define<boolean>({
    initial: false,
    expected: '1',
    parse: (value) => (value === '1' ? true : undefined),
    format: (isEmbedded) => (isEmbedded ? '1' : null),
    isKept: true,
  }),
  theme: define<ThemeChoice>({
    initial: 'system',
    expected: 'light or dark',
    parse: (value) => (value === 'light' || value === 'dark' ? value : undefined),
    format: (value) => (value === 'system' ? null : value),
    isKept: true,
  }),
  lang: setting<Language>({
    expected: `one of ${languages.join(', ')}`,
    parse: (value) => languages.find((known) => known === value),
  }),
  units: setting<Units>({
    expected: `one of ${unitSystems.join(', ')}`,
    parse: (value) => unitSystems.find((known) => known === value),
  }),
  tz: setting<string>({
    expected: 'a time zone: UTC or Asia/Seoul',
    parse: (value) => (isTimeZone(value) ? value : undefined),
  }),
};
export type ParameterName = keyof typeof parameters;
export type Address = { readonly [Name in ParameterName]: (typeof parameters)[Name]['initial'] };

export const parameterNames = Object.keys(parameters) as ParameterName[];

/** A parameter whose value has the type of the address's field. */
export function parameterOf(name: ParameterName): Parameter<unknown> {
  return parameters[name] as unknown as Parameter<unknown>;
}

/** A parameter that has no effect, and the reason. */
export interface IgnoredParameter {
  readonly name: string;
  readonly value: string;
  /** `null` if there is no parameter of this name. */
  readonly expected: string | null;
}

/** What a query string describes: only the parameters that it has. Invalid and unknown ones are ignored and listed. */
export function parseAddress(query: string): {
  readonly given: Partial<Address>;
  readonly ignored: readonly IgnoredParameter[];
} {
  const given: Partial<Record<ParameterName, unknown>> = {};
  const ignored: IgnoredParameter[] = [];
  for (const [name, value] of new URLSearchParams(query)) {
    if (!isParameterName(name)) {
      ignored.push({ name, value, expected: null });
      continue;
    }
    const { parse, expected } = parameterOf(name);
    const parsed = parse(value);
    if (parsed === undefined) ignored.push({ name, value, expected });
    else given[name] = parsed;
  }
  return { given: given as Partial<Address>, ignored };
}

/** The query string of an address, with its question mark; empty if everything has its initial value. */
export function formatAddress(address: Address): string {
  const parts = parameterNames.flatMap((name) => {
    const value = parameterOf(name).format(address[name]);
    return value === null ? [] : `${name}=${readable(encodeURIComponent(value))}`;
  });
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}

function isParameterName(name: string): name is ParameterName {
  return Object.hasOwn(parameters, name);
}

/** Commas, slashes and colons need no escape in a query. */
function readable(encoded: string): string {
  return encoded.replaceAll('%2C', ',').replaceAll('%2F', '/').replaceAll('%3A', ':');
}

function define<T>(parameter: Parameter<T>): Parameter<T> {
  return parameter;
}

/** A setting that the address has only if the user included it. */
function setting<T extends string>(
  parameter: Pick<Parameter<T | null>, 'expected' | 'parse'>,
): Parameter<T | null> {
  return { ...parameter, initial: null, format: (value) => value, isKept: true };
}

function choice<const T extends string>(
  values: readonly T[],
  rest: { initial: T; isStep?: Parameter<T>['isStep'] },
): Parameter<T> {
  return {
    ...rest,
    expected: `one of ${values.join(', ')}`,
    parse: (value) => values.find((known) => known === value),
    format: (value) => (value === rest.initial ? null : value),
  };
}

function wholeNumber<T extends number | null>(given: {
  minimum: number;
  maximum: number;
  initial: T;
}): Parameter<T | number> {
  const { minimum, maximum, initial } = given;
  return {
    initial,
    expected: `a whole number from ${minimum} to ${maximum}`,
    parse: (value) => {
      const number = /^\d{1,6}$/.test(value) ? Number(value) : Number.NaN;
      return number >= minimum && number <= maximum ? number : undefined;
    },
    format: (value) => (value === initial || value === null ? null : String(value)),
  };
}

function text(maxLength: number): Parameter<string> {
  return {
    initial: '',
    expected: `at most ${maxLength} characters`,
    parse: (value) => (value.length <= maxLength ? value : undefined),
    format: (value) => (value === '' ? null : value),
  };
}

function providerId(): Parameter<string | null> {
  return {
    initial: null,
    expected: 'a provider id',
    parse: (value) => (isUuid(value) ? value.toLowerCase() : undefined),
    format: (provider) => provider,
  };
}

function time(): Parameter<number | null> {
  return {
    initial: null,
    expected: 'a time with its zone: 2026-11-29T08:42:10Z',
    parse: parseIsoTime,
    format: formatIsoTime,
  };
}

function isDay(value: string): boolean {
  const at = /^\d{4}-\d\d-\d\d$/.test(value) ? Date.parse(`${value}T00:00:00Z`) : Number.NaN;
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(value);
}

const MAX_ZOOM = 22;
/** Web Mercator ends there. */
const MAX_LATITUDE = 85.06;

function parseCamera(value: string): Camera | undefined {
  const parts = value.split('/').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  const [zoom, lat, lng] = parts;
  if (parts.length !== 3 || zoom === undefined || lat === undefined || lng === undefined) return undefined;
  const isValid = zoom >= 0 && zoom <= MAX_ZOOM && Math.abs(lat) <= MAX_LATITUDE && Math.abs(lng) <= 180;
  return isValid ? { zoom, center: [lng, lat] } : undefined;
}

/** Five decimals are about a metre. A map that repeats the world has longitudes beyond 180°. */
function formatCamera(camera: Camera | null): string | null {
  if (camera === null) return null;
  const [lng, lat] = camera.center;
  const wrapped = ((((lng + 180) % 360) + 360) % 360) - 180;
  return `${camera.zoom.toFixed(2)}/${lat.toFixed(5)}/${wrapped.toFixed(5)}`;
}

/** Lists the states that are shown, so that a shared link shows exactly these. */
function formatShownStates(hidden: ReadonlySet<DrawnState>): string | null {
  if (hidden.size === 0) return null;
  return statesOnMap.filter((state) => !hidden.has(state)).join(',') || 'none';
}

function parseShownStates(value: string): ReadonlySet<DrawnState> | undefined {
  const shown = value === 'none' ? [] : value.split(',');
  if (!shown.every((state) => statesOnMap.some((known) => known === state))) return undefined;
  return new Set(statesOnMap.filter((state) => !shown.includes(state)));
}

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/;

function parseIsoTime(value: string): number | undefined {
  // A plus sign that was not escaped is read as a space.
  const time = value.replace(' ', '+');
  const at = ISO_TIME.test(time) ? Date.parse(time) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}

/** Whole seconds are written without their fraction. */
function formatIsoTime(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString().replace('.000Z', 'Z');
}

function formatVehicle(vehicle: VehicleQuery | null): string | null {
  if (vehicle === null) return null;
  const { deviceId, providerId } = vehicle;
  return providerId === null ? deviceId : `${providerId}/${deviceId}`;
}

function parseVehicle(value: string): VehicleQuery | undefined {
  const ids = value.toLowerCase().split('/');
  if (!ids.every(isUuid)) return undefined;
  const [first, second] = ids;
  if (ids.length === 1) return { deviceId: first!, providerId: null };
  return ids.length === 2 ? { providerId: first!, deviceId: second! } : undefined;
}

function parseTrip(value: string): TripRef | undefined {
  const ids = value.toLowerCase().split('/');
  const [providerId, tripId] = ids;
  return ids.length === 2 && ids.every(isUuid) ? { providerId: providerId!, tripId: tripId! } : undefined;
}

function parseOrder(value: string): TableOrder | undefined {
  const column = tableColumns.find((known) => known === value.replace(/^-/, ''));
  return column && { column, direction: value.startsWith('-') ? 'descending' : 'ascending' };
}

function formatOrder({ column, direction }: TableOrder): string | null {
  if (direction === 'descending') return `-${column}`;
  return column === 'device' ? null : column;
}
