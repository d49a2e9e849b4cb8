/** What one token of a client leads to. */
export interface ExchangeStep {
  readonly reply: Buffer;
  /** Who the client has proved to be; missing where it has to send more. */
  readonly user?: string;
}

/** One client proving who it is, token by token. */
export interface SaslExchange {
  /** @throws AuthenticationError where it can't be who it says */
  next(token: Buffer): Promise<ExchangeStep> | ExchangeStep;
}

/** A client that could not prove who it is. The message goes to the client and to the log: no secret is in it. */
export class AuthenticationError extends Error {
  override readonly name = 'AuthenticationError';
}
