import pg from 'pg';

/**
 * Runs a statement under a savepoint. Returns the error if it is one that is expected, with everything as it was before
 * the statement.
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
    // Released, too: a savepoint that is left behind would be one more level for each attempt.
    await client.query('ROLLBACK TO SAVEPOINT attempt; RELEASE SAVEPOINT attempt');
    return error;
  }
}

export function isUniqueViolation({ code }: pg.DatabaseError): boolean {
  return code === '23505';
}

/**
 * Whether Postgres refuses a row for what is in it: a data exception, a limit that one value exceeds, or a constraint
 * or trigger of the table. A row without a partition violates a check that has no name.
 */
export function isDataError({ code, constraint }: pg.DatabaseError): boolean {
  if (code === undefined) return false;
  if (/^(22|54)/.test(code) || code === '23502' || code === 'P0001') return true;
  return code.startsWith('23') && constraint !== undefined;
}
