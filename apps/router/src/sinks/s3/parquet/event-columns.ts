import { LATEST_TIMESTAMP_MS, type EventFamily } from '@hailstream/events';
import { latLngToCell } from 'h3-js';
import type { Event } from '../../../router-file/filter.js';
import { BooleanColumn } from './boolean-column.js';
import type { Column } from './column.js';
import { NumberColumn } from './number-column.js';
import { PointColumn } from './point-column.js';
import { TextColumn } from './text-column.js';

/** Cells of about 0.1 km², as in Postgres. */
const H3_RESOLUTION = 9;

interface PropertySchema {
  readonly type?: string;
  readonly maximum?: number;
  readonly anyOf?: readonly PropertySchema[];
  readonly properties?: Readonly<Record<string, PropertySchema>>;
}

/** A field of an event, and the columns that have its value. */
interface Field {
  readonly name: string;
  readonly columns: readonly Column[];
  /** Adds a row. Returns whether the columns have all of the value. */
  push(value: unknown): boolean;
}

/**
 * The columns of a family's events, with MDS's names. Locations are flattened to numbers, a point in WKB and an H3 cell; times
 * are timestamps; lists and objects are JSON. The last column, `_unknown`, has the fields without a column: unknown ones, and
 * those whose value does not have the column's type.
 */
export class EventColumns {
  readonly columns: readonly Column[];
  private readonly fields: readonly Field[];
  private readonly names: ReadonlySet<string>;
  private readonly unknown = new TextColumn('_unknown', 'JSON');

  constructor({ schema }: Pick<EventFamily, 'schema'>) {
    const { properties = {} } = schema as PropertySchema;
    this.fields = Object.entries(properties).map(([name, property]) => fieldOf(name, property));
    this.names = new Set(this.fields.map(({ name }) => name));
    this.columns = [...this.fields.flatMap(({ columns }) => columns), this.unknown];
  }

  /** Adds a row. */
  push(event: Event): void {
    const misfits = new Set<string>();
    let stored = 0;
    for (const field of this.fields) {
      const value = event[field.name];
      const isStored = field.push(value ?? null) || value === null;
      if (value === undefined) continue;
      if (isStored) stored += 1;
      else misfits.add(field.name);
    }
    const names = Object.keys(event);
    this.unknown.push(names.length === stored ? null : this.remainderOf(event, names, misfits));
  }

  private remainderOf(event: Event, names: readonly string[], misfits: ReadonlySet<string>): string | null {
    const remainder: Record<string, unknown> = {};
    for (const name of names) {
      const value = event[name];
      if (value === null || (this.names.has(name) && !misfits.has(name))) continue;
      // A field may be named __proto__.
      Object.defineProperty(remainder, name, { value, enumerable: true });
    }
    return Object.keys(remainder).length === 0 ? null : JSON.stringify(remainder);
  }
}

/** Names of the columns with points in WKB, the most important first. */
export function geometriesOf(columns: readonly Column[]): readonly string[] {
  return columns.filter((column) => column instanceof PointColumn).map(({ element }) => element.name);
}

function fieldOf(name: string, declared: PropertySchema): Field {
  const schema = declared.anyOf?.find(({ type }) => type !== 'null') ?? declared;
  if (schema.properties?.['lat'] && schema.properties['lng']) return locationField(name, schema.properties);
  switch (schema.type) {
    case 'integer':
      return integerField(name, schema);
    case 'number':
      return numberField(name);
    case 'boolean':
      return booleanField(name);
    case 'array':
    case 'object':
      return jsonField(name);
    default:
      // Texts and enumerations.
      return textField(name);
  }
}

function integerField(name: string, { maximum }: PropertySchema): Field {
  const column = new NumberColumn(name, maximum === LATEST_TIMESTAMP_MS ? 'TIMESTAMP' : 'INT64');
  const push = (value: unknown): boolean => {
    const fits = Number.isSafeInteger(value);
    column.push(fits ? (value as number) : null);
    return fits;
  };
  return { name, columns: [column], push };
}

function numberField(name: string): Field {
  const column = new NumberColumn(name, 'DOUBLE');
  const push = (value: unknown): boolean => {
    const fits = Number.isFinite(value);
    column.push(fits ? (value as number) : null);
    return fits;
  };
  return { name, columns: [column], push };
}

function booleanField(name: string): Field {
  const column = new BooleanColumn(name);
  const push = (value: unknown): boolean => {
    const fits = typeof value === 'boolean';
    column.push(fits ? value : null);
    return fits;
  };
  return { name, columns: [column], push };
}

function textField(name: string): Field {
  const column = new TextColumn(name, 'STRING');
  const push = (value: unknown): boolean => {
    const fits = typeof value === 'string';
    column.push(fits ? value : null);
    return fits;
  };
  return { name, columns: [column], push };
}

function jsonField(name: string): Field {
  const column = new TextColumn(name, 'JSON');
  const push = (value: unknown): boolean => {
    const fits = typeof value === 'object' && value !== null;
    column.push(fits ? JSON.stringify(value) : null);
    return fits;
  };
  return { name, columns: [column], push };
}

/** `location` has the columns `lat`, `lng`, …, `geometry`, `h3_cell`; `start_location` has `start_lat`, … */
function locationField(name: string, properties: Readonly<Record<string, PropertySchema>>): Field {
  const prefix = name === 'location' ? '' : `${name.replace(/_location$/, '')}_`;
  const numbers = Object.keys(properties).map((key) => {
    return { key, column: new NumberColumn(`${prefix}${key}`, 'DOUBLE') };
  });
  const columnOf = (wanted: string) => numbers.find(({ key }) => key === wanted)!.column;
  const point = new PointColumn(`${prefix}geometry`, { lat: columnOf('lat'), lng: columnOf('lng') });
  const cell = new TextColumn(`${prefix}h3_cell`, 'STRING');
  const push = (value: unknown): boolean => {
    const location = value as Event | null;
    for (const { key, column } of numbers) column.push(finiteOf(location?.[key]));
    const [lat, lng] = [finiteOf(location?.['lat']), finiteOf(location?.['lng'])];
    cell.push(lat === null || lng === null ? null : latLngToCell(lat, lng, H3_RESOLUTION));
    return isLocation(value, properties);
  };
  return { name, columns: [...numbers.map(({ column }) => column), point, cell], push };
}

function finiteOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** Whether a value has only numbers that have columns. */
function isLocation(value: unknown, properties: Readonly<Record<string, unknown>>): boolean {
  if (typeof value !== 'object' || value === null) return false;
  for (const key of Object.keys(value)) {
    if (!Object.hasOwn(properties, key) || !Number.isFinite((value as Event)[key])) return false;
  }
  return true;
}
