import { LATEST_TIMESTAMP_MS, type EventFamily } from '@hailstream/events';
import { BooleanColumn, NumberColumn, TextColumn, type ColumnData } from '@hailstream/parquet';
import type { Event } from '../../../router-file/filter.js';

interface PropertySchema {
  readonly type?: string;
  readonly maximum?: number;
  readonly anyOf?: readonly PropertySchema[];
  readonly properties?: Readonly<Record<string, PropertySchema>>;
}

/** A field of an event, and the columns that have its value. */
interface Field {
  readonly name: string;
  /** The columns with all rows. */
  data(): readonly ColumnData[];
  /** Adds a row. Returns whether the columns have all of the value. */
  push(value: unknown): boolean;
  /** The value of a row that was read from a file; `undefined` if the columns have none. */
  valueOf(row: Row): unknown;
}

/** A row of a file, by column. */
type Row = Readonly<Record<string, unknown>>;

/**
 * The columns of a family's events, with MDS's names. Locations are flattened to numbers, a point in WKB and an H3 cell; times
 * are timestamps; lists and objects are JSON. The last column, `_unknown`, has the fields without a column: unknown ones, and
 * those whose value does not have the column's type.
 */
export class EventColumns {
  private readonly fields: readonly Field[];
  private readonly names: ReadonlySet<string>;
  private readonly unknown = TextColumn.empty('_unknown', 'JSON');

  constructor({ schema }: Pick<EventFamily, 'schema'>) {
    const { properties = {} } = schema as PropertySchema;
    this.fields = Object.entries(properties).map(([name, property]) => fieldOf(name, property));
    this.names = new Set(this.fields.map(({ name }) => name));
  }

  /** All rows. */
  get data(): readonly ColumnData[] {
    return [...this.fields.flatMap((field) => field.data()), this.unknown.data];
  }

  /** The columns from which events can be read again. The others are derived from them. */
  get storedColumns(): readonly string[] {
    return this.data.filter(({ kind }) => kind !== 'points' && kind !== 'cells').map(({ name }) => name);
  }

  /** The event of a row. Fields that were null are not set. If it is added again, the row has the same values. */
  eventOf(row: Row): Event {
    const event: Record<string, unknown> = {};
    const values = this.fields.map((field) => [field.name, field.valueOf(row)] as const);
    const unknown = Object.entries((row['_unknown'] ?? {}) as Record<string, unknown>);
    for (const [name, value] of [...values, ...unknown]) {
      // A field may be named __proto__.
      if (value !== undefined && value !== null)
        Object.defineProperty(event, name, { value, enumerable: true, configurable: true, writable: true });
    }
    return event;
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
  const column = NumberColumn.empty(name, maximum === LATEST_TIMESTAMP_MS ? 'TIMESTAMP' : 'INT64');
  const push = (value: unknown): boolean => {
    const fits = Number.isSafeInteger(value);
    column.push(fits ? (value as number) : null);
    return fits;
  };
  const valueOf = ({ [name]: value }: Row): unknown => {
    if (value instanceof Date) return value.getTime();
    return typeof value === 'bigint' ? Number(value) : value;
  };
  return { name, data: () => [column.data], push, valueOf };
}

function numberField(name: string): Field {
  const column = NumberColumn.empty(name, 'DOUBLE');
  const push = (value: unknown): boolean => {
    const fits = Number.isFinite(value);
    column.push(fits ? (value as number) : null);
    return fits;
  };
  return { name, data: () => [column.data], push, valueOf: (row) => row[name] };
}

function booleanField(name: string): Field {
  const column = BooleanColumn.empty(name);
  const push = (value: unknown): boolean => {
    const fits = typeof value === 'boolean';
    column.push(fits ? value : null);
    return fits;
  };
  return { name, data: () => [column.data], push, valueOf: (row) => row[name] };
}

function textField(name: string): Field {
  const column = TextColumn.empty(name, 'STRING');
  const push = (value: unknown): boolean => {
    const fits = typeof value === 'string';
    column.push(fits ? value : null);
    return fits;
  };
  return { name, data: () => [column.data], push, valueOf: (row) => row[name] };
}

function jsonField(name: string): Field {
  const column = TextColumn.empty(name, 'JSON');
  const push = (value: unknown): boolean => {
    const fits = typeof value === 'object' && value !== null;
    column.push(fits ? JSON.stringify(value) : null);
    return fits;
  };
  return { name, data: () => [column.data], push, valueOf: (row) => row[name] };
}

/** `location` has the columns `lat`, `lng`, …, `geometry`, `h3_cell`; `start_location` has `start_lat`, … */
function locationField(name: string, properties: Readonly<Record<string, PropertySchema>>): Field {
  const prefix = name === 'location' ? '' : `${name.replace(/_location$/, '')}_`;
  const numbers = Object.keys(properties).map((key) => {
    return { key, column: NumberColumn.empty(`${prefix}${key}`, 'DOUBLE') };
  });
  const coordinates = { lat: `${prefix}lat`, lng: `${prefix}lng` };
  const push = (value: unknown): boolean => {
    const location = value as Event | null;
    for (const { key, column } of numbers) column.push(finiteOf(location?.[key]));
    return isLocation(value, properties);
  };
  const data = (): readonly ColumnData[] => [
    ...numbers.map(({ column }) => column.data),
    { kind: 'points', name: `${prefix}geometry`, ...coordinates },
    { kind: 'cells', name: `${prefix}h3_cell`, ...coordinates },
  ];
  const valueOf = (row: Row): unknown => {
    const entries = numbers.flatMap(({ key, column }) => {
      const value = row[column.data.name];
      return value === null || value === undefined ? [] : [[key, value] as const];
    });
    return entries.length === 0 ? undefined : Object.fromEntries(entries);
  };
  return { name, data, push, valueOf };
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
