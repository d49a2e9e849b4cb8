/** A column of a table, as the catalog of Postgres describes it. */
export interface TableColumn {
  readonly name: string;
  /** The type as `format_type` names it. */
  readonly type: string;
}

/** Form of the values of a column in exports. `time`: milliseconds since 1970. */
type ExportedKind = 'text' | 'json' | 'time' | 'double' | 'integer' | 'bigint' | 'boolean';

/** A column of an export. */
export interface ExportedColumn {
  readonly name: string;
  readonly kind: ExportedKind;
  /** The SQL expression of its values. */
  readonly expression: string;
}

/** A point of an export: the columns with its coordinates. */
interface ExportedPoint {
  readonly name: string;
  readonly lat: string;
  readonly lng: string;
}

/** Names that a location as JSON has in the tables: `start_location`, `destination`. */
const LOCATION = /^(?:(\w+)_location|(destination))$/;

/**
 * The columns of the export of a table. Times have milliseconds, H3 cells their usual name, arrays are JSON. A location that is
 * JSON gets columns of its coordinates, too.
 */
export function exportedColumnsOf(columns: readonly TableColumn[]): ExportedColumn[] {
  return columns.flatMap(({ name, type }) => [
    exportedColumn(name, type),
    ...(isJson(type) ? coordinatesOf(name) : []),
  ]);
}

/** The points of an export: `geometry` of `lat` and `lng`, `start_geometry` of `start_lat` and `start_lng`. */
export function exportedPointsOf(columns: readonly ExportedColumn[]): ExportedPoint[] {
  const names = new Set(columns.filter(({ kind }) => kind === 'double').map(({ name }) => name));
  return [...names].flatMap((lat) => {
    const [, prefix] = /^((?:\w+_)?)lat$/.exec(lat) ?? [];
    const lng = `${prefix}lng`;
    return prefix !== undefined && names.has(lng) ? [{ name: `${prefix}geometry`, lat, lng }] : [];
  });
}

function exportedColumn(name: string, type: string): ExportedColumn {
  const quoted = `"${name}"`;
  if (type.endsWith('[]')) return { name, kind: 'json', expression: `to_json(${quoted})::text` };
  if (isJson(type)) return { name, kind: 'json', expression: `${quoted}::text` };
  switch (type) {
    case 'timestamp with time zone':
      // Numeric until it is rounded: exact to the millisecond.
      return {
        name,
        kind: 'time',
        expression: `floor(extract(epoch FROM ${quoted}) * 1000)::double precision`,
      };
    case 'double precision':
    case 'real':
    case 'numeric':
      return { name, kind: 'double', expression: `${quoted}::double precision` };
    case 'smallint':
    case 'integer':
      return { name, kind: 'integer', expression: quoted };
    case 'bigint':
      if (/(?:^|_)h3_cell$/.test(name)) return { name, kind: 'text', expression: `to_hex(${quoted})` };
      // As text: a number in JavaScript is exact up to 2^53.
      return { name, kind: 'bigint', expression: `${quoted}::text` };
    case 'boolean':
      return { name, kind: 'boolean', expression: quoted };
    default:
      return { name, kind: 'text', expression: `${quoted}::text` };
  }
}

function coordinatesOf(name: string): ExportedColumn[] {
  const [, prefix, whole] = LOCATION.exec(name) ?? [];
  const stem = prefix ?? whole;
  if (stem === undefined) return [];
  return ['lat', 'lng'].map((coordinate) => ({
    name: `${stem}_${coordinate}`,
    kind: 'double',
    expression: `("${name}" ->> '${coordinate}')::double precision`,
  }));
}

function isJson(type: string): boolean {
  return type === 'json' || type === 'jsonb';
}
