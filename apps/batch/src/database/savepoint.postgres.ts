import pg from 'pg';

/**
 * Runs a statement under a savepoint. If it fails with an expected error, rolls back to the savepoint and returns the
 * error.
 */
export async function attempt(
  client: pg.ClientBase,
  isExpected: (error: pg.DatabaseError) => boolean,
  statement: () => Promise<void>,
): Promise<pg.DatabaseError | undefined> {
  await client.query('SAVEPOINT attempt');
  try {
    await statement();
    await client.query('RELEASE SAVEPOINT attempt');
    return undefined;
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || !isExpected(error)) throw error;
    // Without the release, savepoints would nest one level deeper with each attempt.
    await client.query('ROLLBACK TO SAVEPOINT attempt; RELEASE SAVEPOINT attempt');
    return error;
  }
}

export function isUniqueViolation({ code }: pg.DatabaseError): boolean {
  return code === '23505';
}

/**
 * Whether Postgres rejects a row because of its values: a data exception, an exceeded limit, or a constraint or trigger of
 * the table. A row without a partition violates a check without a name, which is not such an error.
 */
export function isDataError({ code, constraint }: pg.DatabaseError): boolean {
  if (code === undefined) return false;
  if (/^(22|54)/.test(code) || code === '23502' || code === 'P0001') return true;
  return code.startsWith('23') && constraint !== undefined;
}
