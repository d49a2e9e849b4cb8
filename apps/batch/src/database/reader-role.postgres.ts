import type pg from 'pg';
import { inTransaction, type Pool } from './pool.postgres.js';

/** A role that cannot be granted read access. */
class ReaderRoleError extends Error {
  override readonly name = 'ReaderRoleError';
}

/** Tables that an error names at most. */
const MAX_NAMED = 5;
const SCHEMAS = `ARRAY['ride', 'analysis']::regnamespace[]`;

/**
 * Grants a role SELECT on all tables and views of batch, also on those that the current role creates later. It can be repeated.
 *
 * @throws ReaderRoleError if the role does not exist or can write, or if the current role may not grant SELECT on a table
 */
export async function grantReader(pool: Pool, role: string): Promise<void> {
  await inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ name: string; super: boolean }>(
      'SELECT quote_ident(rolname) AS name, rolsuper AS super FROM pg_roles WHERE rolname = $1',
      [role],
    );
    const [found] = rows;
    if (found === undefined) {
      throw new ReaderRoleError(
        `role "${role}" does not exist: create it with CREATE ROLE … LOGIN PASSWORD …, or createuser`,
      );
    }
    if (found.super)
      throw new ReaderRoleError(`role "${role}" is a superuser: expected a role that can only read`);
    await client.query(
      `GRANT USAGE ON SCHEMA ride, analysis TO ${found.name};
       GRANT SELECT ON ALL TABLES IN SCHEMA ride, analysis TO ${found.name};
       ALTER DEFAULT PRIVILEGES IN SCHEMA ride, analysis GRANT SELECT ON TABLES TO ${found.name}`,
    );
    await requireTables(client, role, {
      condition: `has_any_column_privilege($1, oid, 'INSERT, UPDATE') OR has_table_privilege($1, oid, 'DELETE, TRUNCATE')`,
      problem: `role "${role}" can write`,
    });
    // Postgres only warns if the current role may not grant a privilege.
    await requireTables(client, role, {
      condition: `NOT has_schema_privilege($1, relnamespace, 'USAGE') OR NOT has_table_privilege($1, oid, 'SELECT')`,
      problem: `the role of DATABASE_URL may not grant role "${role}" SELECT: run this as the owner of`,
    });
  });
}

/** @throws ReaderRoleError if a table or view meets a condition */
async function requireTables(
  client: pg.ClientBase,
  role: string,
  { condition, problem }: { readonly condition: string; readonly problem: string },
): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT oid::regclass::text AS name FROM pg_class
     WHERE relnamespace = ANY(${SCHEMAS}) AND relkind IN ('r', 'p', 'v', 'm') AND (${condition}) ORDER BY 1`,
    [role],
  );
  if (rows.length === 0) return;
  const named = rows.slice(0, MAX_NAMED).map(({ name }) => name);
  const others = rows.length > MAX_NAMED ? ` and ${rows.length - MAX_NAMED} more` : '';
  throw new ReaderRoleError(`${problem} ${named.join(', ')}${others}`);
}
