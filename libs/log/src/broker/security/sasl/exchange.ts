/** Result of a token of the client. */
export interface ExchangeStep {
  readonly reply: Buffer;
  /** The authenticated user; undefined if more tokens are needed. */
  readonly user?: string;
}

/** The authentication of one client. */
export interface SaslExchange {
  /** @throws AuthenticationError if the authentication failed */
  next(token: Buffer): Promise<ExchangeStep> | ExchangeStep;
}

/** Authentication failed. The message is sent to the client and logged, and contains no secrets. */
export class AuthenticationError extends Error {
  override readonly name = 'AuthenticationError';
}
