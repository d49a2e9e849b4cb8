import type pg from 'pg';

/** The schemas that batch writes. */
const SCHEMAS = ['ride', 'analysis'];
/** Tables of other owners that an error names at most. The others are counted. */
const MAX_TABLES_NAMED = 5;

interface SchemaRights {
  readonly name: string;
  readonly exists: boolean;
  readonly usable: boolean | null;
  readonly creatable: boolean | null;
}

/**
 * Returns the rights that migrations and loads need and the role of a connection does not have: one sentence each, with
 * the statement that grants it.
 */
export async function missingRights(client: pg.ClientBase): Promise<string[]> {
  const { rows: about } = await client.query<{ role: string; database: string; creatable: boolean }>(
    `SELECT quote_ident(current_user) AS role, quote_ident(current_database()) AS database,
       has_database_privilege(current_database(), 'CREATE') AS creatable`,
  );
  const { role, database, creatable } = about[0]!;
  const { rows: schemas } = await client.query<SchemaRights>(
    `SELECT name, oid IS NOT NULL AS exists, has_schema_privilege(oid, 'USAGE') AS usable,
       has_schema_privilege(oid, 'CREATE') AS creatable
     FROM unnest($1::text[]) AS name LEFT JOIN pg_namespace ON nspname = name`,
    [SCHEMAS],
  );
  const missing: string[] = [];
  for (const schema of schemas) {
    if (!schema.exists && !creatable) {
      missing.push(
        `role ${role} may not create schema ${schema.name} in database ${database}: ` +
          `CREATE SCHEMA ${schema.name} AUTHORIZATION ${role}, or GRANT CREATE ON DATABASE ${database} TO ${role}`,
      );
    } else if (schema.exists && !(schema.usable && schema.creatable)) {
      missing.push(
        `role ${role} needs USAGE and CREATE on schema ${schema.name}: ` +
          `GRANT USAGE, CREATE ON SCHEMA ${schema.name} TO ${role}`,
      );
    }
  }
  return [...missing, ...(await tablesOfOthers(client, role))];
}

/** Only the owner of a table can attach partitions to it. */
async function tablesOfOthers(client: pg.ClientBase, role: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string; owner: string }>(
    `SELECT quote_ident(nspname) || '.' || quote_ident(relname) AS name, quote_ident(pg_get_userbyid(relowner)) AS owner
     FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
     WHERE nspname = ANY($1) AND relkind IN ('r', 'p', 'v') AND NOT relispartition
       AND NOT pg_has_role(relowner, 'USAGE')
     ORDER BY 1`,
    [SCHEMAS],
  );
  const named = rows.slice(0, MAX_TABLES_NAMED);
  const others = rows.length - named.length;
  return named.map(
    ({ name, owner }, index) =>
      `${name} belongs to ${owner}, and only its owner creates partitions: GRANT ${owner} TO ${role}` +
      (index === named.length - 1 && others > 0 ? ` (${others} more tables)` : ''),
  );
}
