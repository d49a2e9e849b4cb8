/** The schema could not be brought up to date. `code` is the SQLSTATE of what Postgres refused, if it was Postgres. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';

  constructor(
    message: string,
    readonly code: string | undefined,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
