import { LATEST_TIMESTAMP_MS, type EventFamily } from '@hailstream/events';
import type { BasicType } from 'hyparquet-writer';
import { latLngToCell } from 'h3-js';
import type { Event } from '../../router-file/filter.js';

/** Cells of about 0.1 km², as in Postgres. */
const H3_RESOLUTION = 9;

/** A column of a Parquet file. */
export interface ParquetColumn {
  readonly name: string;
  readonly type: BasicType;
  /** The value in the form that the writer expects; null if the event has none, or one of another type. */
  valueOf(event: Event): unknown;
}

export interface ParquetColumns {
  readonly columns: readonly ParquetColumn[];
  /** Names of the columns with points in WKB, the most important first. */
  readonly geometries: readonly string[];
  /** Fields without a column: unknown ones, and those whose value does not have the column's type. */
  remainderOf(event: Event): Event | undefined;
}

interface PropertySchema {
  readonly type?: string;
  readonly maximum?: number;
  readonly anyOf?: readonly PropertySchema[];
  readonly properties?: Readonly<Record<string, PropertySchema>>;
}

/** A field of an event, and the columns that have its value. */
interface Field {
  readonly name: string;
  readonly columns: readonly ParquetColumn[];
  fits(value: unknown): boolean;
}

/**
 * The columns of a family's events, with MDS's names. Locations are flattened to numbers, a point in WKB and an H3 cell; times
 * are timestamps; lists and objects are JSON.
 */
export function parquetColumns({ schema }: Pick<EventFamily, 'schema'>): ParquetColumns {
  const { properties = {} } = schema as PropertySchema;
  const fields = Object.entries(properties).map(([name, property]) => fieldOf(name, property));
  const byName = new Map(fields.map((field) => [field.name, field]));
  const columns = fields.flatMap((field) => field.columns);
  return {
    columns,
    geometries: columns.map(({ name }) => name).filter((name) => name.endsWith('geometry')),
    remainderOf: (event) => {
      let rest: Record<string, unknown> | undefined;
      for (const name of Object.keys(event)) {
        const value = event[name];
        if (value === null || byName.get(name)?.fits(value) === true) continue;
        rest ??= {};
        // A field may be named __proto__.
        Object.defineProperty(rest, name, { value, enumerable: true });
      }
      return rest;
    },
  };
}

function fieldOf(name: string, declared: PropertySchema): Field {
  const schema = declared.anyOf?.find(({ type }) => type !== 'null') ?? declared;
  if (schema.properties?.['lat'] && schema.properties['lng']) return locationField(name, schema.properties);
  const column = (
    type: BasicType,
    fits: (value: unknown) => boolean,
    convert = (value: unknown) => value,
  ): Field => {
    const valueOf = (event: Event): unknown => {
      const value = event[name];
      return value !== undefined && value !== null && fits(value) ? convert(value) : null;
    };
    return { name, columns: [{ name, type, valueOf }], fits };
  };
  switch (schema.type) {
    case 'integer':
      if (schema.maximum === LATEST_TIMESTAMP_MS) {
        return column('TIMESTAMP', Number.isSafeInteger, (value) => BigInt(value as number));
      }
      return column('INT64', Number.isSafeInteger, (value) => BigInt(value as number));
    case 'number':
      return column('DOUBLE', Number.isFinite);
    case 'boolean':
      return column('BOOLEAN', (value) => typeof value === 'boolean');
    case 'array':
    case 'object':
      return column('JSON', (value) => typeof value === 'object');
    default:
      // Texts and enumerations.
      return column('STRING', (value) => typeof value === 'string');
  }
}

/** `location` has the columns `lat`, `lng`, …, `geometry`, `h3_cell`; `start_location` has `start_lat`, … */
function locationField(name: string, properties: Readonly<Record<string, PropertySchema>>): Field {
  const prefix = name === 'location' ? '' : `${name.replace(/_location$/, '')}_`;
  const part = (event: Event, key: string): unknown => (event[name] as Event | null | undefined)?.[key];
  const numberOf = (event: Event, key: string): number | null => {
    const value = part(event, key);
    return typeof value === 'number' && Number.isFinite(value) ? value : null;
  };
  const positionOf = (event: Event): { readonly lat: number; readonly lng: number } | undefined => {
    const [lat, lng] = [numberOf(event, 'lat'), numberOf(event, 'lng')];
    return lat === null || lng === null ? undefined : { lat, lng };
  };
  const numbers = Object.keys(properties).map((key): ParquetColumn => ({
    name: `${prefix}${key}`,
    type: 'DOUBLE',
    valueOf: (event) => numberOf(event, key),
  }));
  const point: ParquetColumn = {
    name: `${prefix}geometry`,
    type: 'BYTE_ARRAY',
    valueOf: (event) => {
      const position = positionOf(event);
      return position ? wkbPoint(position) : null;
    },
  };
  const cell: ParquetColumn = {
    name: `${prefix}h3_cell`,
    type: 'STRING',
    valueOf: (event) => {
      const position = positionOf(event);
      return position ? latLngToCell(position.lat, position.lng, H3_RESOLUTION) : null;
    },
  };
  const fits = (value: unknown): boolean => {
    if (typeof value !== 'object' || value === null) return false;
    for (const key of Object.keys(value)) {
      if (!Object.hasOwn(properties, key) || !Number.isFinite((value as Event)[key])) return false;
    }
    return true;
  };
  return { name, columns: [...numbers, point, cell], fits };
}

const WKB_LITTLE_ENDIAN = 1;
const WKB_POINT = 1;

/** @see OGC 06-103r4, section 8.2: byte order uint8 · type uint32 · x double · y double */
function wkbPoint({ lat, lng }: { readonly lat: number; readonly lng: number }): Uint8Array {
  const bytes = Buffer.alloc(21);
  bytes.writeUInt8(WKB_LITTLE_ENDIAN, 0);
  bytes.writeUInt32LE(WKB_POINT, 1);
  bytes.writeDoubleLE(lng, 5);
  bytes.writeDoubleLE(lat, 13);
  return bytes;
}
