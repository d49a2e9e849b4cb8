import {
  COARSE_DECIMALS,
  personalIdNames,
  removedTripAttributes,
  removedTripFields,
  type ErasureKind,
} from '@hailstream/events';
import type pg from 'pg';

/** What identifies a rider or a device in a table. */
export interface PersonalTable {
  /** Without the schema. */
  readonly name: string;
  /** Columns with the id. */
  readonly columns: readonly PersonalColumn[];
  /** Whether a row is a trip, which remains countable: it is part of the primary key. */
  readonly isTrip: boolean;
  /** All columns, by name. */
  readonly types: ReadonlyMap<string, ColumnType>;
}

interface ColumnType {
  readonly type: string;
  readonly isRequired: boolean;
}

interface PersonalColumn {
  readonly name: string;
  readonly isArray: boolean;
  readonly isRequired: boolean;
}

/** Returns the tables of schema `ride` that have the id of a rider or a device. Trips are first: riders have theirs by other tables. */
export async function personalTables(
  client: Pick<pg.ClientBase, 'query'>,
  kind: ErasureKind,
): Promise<PersonalTable[]> {
  const { rows } = await client.query<{
    table: string;
    column: string;
    type: string;
    required: boolean;
    trip: boolean;
  }>(
    `SELECT relname AS "table", attname AS "column", format_type(atttypid, NULL) AS type, attnotnull AS required,
       EXISTS (SELECT FROM pg_index JOIN pg_attribute AS key ON key.attrelid = indrelid AND key.attnum = ANY (indkey)
               WHERE indrelid = pg_class.oid AND indisprimary AND key.attname = 'trip_id') AS trip
     FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
     WHERE relnamespace = 'ride'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
       AND attnum > 0 AND NOT attisdropped
     ORDER BY relname, attnum`,
  );
  const tables = new Map<string, { isTrip: boolean; types: Map<string, ColumnType> }>();
  for (const { table, column, type, required, trip } of rows) {
    const known = tables.get(table) ?? { isTrip: trip, types: new Map<string, ColumnType>() };
    tables.set(table, known);
    known.types.set(column, { type, isRequired: required });
  }
  return [...tables]
    .map(([name, { isTrip, types }]) => ({ name, isTrip, types, columns: columnsOf(kind, types) }))
    .filter(({ columns }) => columns.length > 0)
    .toSorted((one, other) => Number(other.isTrip) - Number(one.isTrip));
}

function columnsOf(kind: ErasureKind, types: ReadonlyMap<string, ColumnType>): PersonalColumn[] {
  const named = [...types].filter(([name]) => personalIdNames[kind].test(name));
  return named.map(([name, column]) => {
    if (column.type !== 'uuid' && column.type !== 'uuid[]') {
      throw new Error(
        `column ${name}: expected the type uuid or uuid[], got ${column.type}: its rows cannot be erased`,
      );
    }
    return { name, isArray: column.type === 'uuid[]', isRequired: column.isRequired };
  });
}

/** The condition of rows with the id, which is parameter `$1`. */
export function hasId({ columns }: PersonalTable, parameter = '$1::uuid'): string {
  return columns
    .map(({ name, isArray }) =>
      // The operator of an array without an index compares each element.
      isArray ? `"${name}" @> ARRAY[${parameter}]` : `"${name}" = ${parameter}`,
    )
    .join(' OR ');
}

/** The assignments that make trips anonymous. The id is parameter `$1`. */
export function anonymised({ columns, types }: PersonalTable): string {
  const ids = columns.map(({ name, isArray, isRequired }) => {
    if (isArray) return `"${name}" = array_remove("${name}", $1::uuid)`;
    // Another id for each trip, so that the trips cannot be connected.
    return isRequired
      ? `"${name}" = CASE WHEN "${name}" = $1::uuid THEN gen_random_uuid() ELSE "${name}" END`
      : `"${name}" = nullif("${name}", $1::uuid)`;
  });
  return [...ids, ...withoutPlaces(types)].join(', ');
}

/** The assignments that remove places, or make those coarse that a row must have. */
export function withoutPlaces(types: ReadonlyMap<string, ColumnType>): string[] {
  const assignments: string[] = [];
  for (const [name, { type, isRequired }] of types) {
    if (removedTripFields.has(name) && !isRequired) assignments.push(`"${name}" = NULL`);
    else if (name.endsWith('_location') && type === 'jsonb') assignments.push(`"${name}" = ${coarse(name)}`);
    else if (name === 'trip_attributes' && type === 'jsonb')
      assignments.push(`"${name}" = "${name}" - ARRAY['${removedTripAttributes.join("', '")}']`);
    else if (name === 'updated_at') assignments.push(`"${name}" = clock_timestamp()`);
  }
  return assignments;
}

function coarse(name: string): string {
  const rounded = (field: string): string =>
    `'${field}', round(("${name}"->>'${field}')::numeric, ${COARSE_DECIMALS})`;
  return `CASE WHEN "${name}" IS NOT NULL THEN jsonb_build_object(${rounded('lat')}, ${rounded('lng')}) END`;
}
