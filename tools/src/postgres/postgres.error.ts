type PostgresErrorCode = 'PORT_IN_USE' | 'DATA_DIR_IN_USE' | 'UNREACHABLE' | 'NO_BINARIES' | 'FAILED';

/** The embedded Postgres could not be started; the message says how to fix it. */
export class PostgresError extends Error {
  override readonly name = 'PostgresError';

  constructor(
    readonly code: PostgresErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
