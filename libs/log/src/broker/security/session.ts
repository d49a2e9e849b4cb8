import { ErrorCode, ProtocolError } from '../../protocol/error-codes.js';
import { AuthenticationError, type SaslExchange } from './sasl/exchange.js';

/** Creates exchanges of the enabled mechanisms. */
export type SaslMechanisms = ReadonlyMap<string, () => SaslExchange>;

/** Transport of tokens: SaslAuthenticate requests, or raw frames after SaslHandshake 0. */
type TokenForm = 'request' | 'raw';

type State =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'proving'; readonly exchange: SaslExchange; readonly form: TokenForm }
  | { readonly kind: 'admitted' }
  | { readonly kind: 'rejected'; readonly reason: string };

const SASL_HANDSHAKE = 17;
const API_VERSIONS = 18;
const SASL_AUTHENTICATE = 36;
const BEFORE_AUTHENTICATION = new Set([SASL_HANDSHAKE, API_VERSIONS, SASL_AUTHENTICATE]);

/** The principal of connections without authentication, as in Kafka. */
const ANONYMOUS = 'User:ANONYMOUS';

/** Authentication state of a connection. */
export class Session {
  private state: State;
  private user: string | undefined;
  /** Called once the client is authenticated. */
  onAdmitted: () => void = () => undefined;

  /**
   * @param mechanisms undefined without SASL
   * @param certified the principal of the TLS client certificate
   */
  constructor(
    private readonly mechanisms: SaslMechanisms | undefined,
    private readonly failureDelayMs: number,
    private readonly certified?: string,
  ) {
    this.state = mechanisms === undefined ? { kind: 'admitted' } : { kind: 'unknown' };
  }

  get isAdmitted(): boolean {
    return this.state.kind === 'admitted';
  }

  /** The authenticated principal, e.g. `User:ada`. */
  get principal(): string {
    return this.user === undefined ? (this.certified ?? ANONYMOUS) : `User:${this.user}`;
  }

  /** Whether the next frame is a raw token. */
  get expectsRawToken(): boolean {
    return this.state.kind === 'proving' && this.state.form === 'raw';
  }

  /** Why the connection must be closed. */
  get rejection(): string | undefined {
    return this.state.kind === 'rejected' ? this.state.reason : undefined;
  }

  get mechanismNames(): string[] {
    return [...(this.mechanisms?.keys() ?? [])];
  }

  mayAsk(apiKey: number): boolean {
    return this.isAdmitted || BEFORE_AUTHENTICATION.has(apiKey);
  }

  /** @throws ProtocolError if no handshake is expected, or the mechanism is not enabled */
  begin(mechanism: string, form: TokenForm): void {
    if (this.state.kind !== 'unknown') {
      throw new ProtocolError(ErrorCode.ILLEGAL_SASL_STATE, 'unexpected SaslHandshake request');
    }
    const makeExchange = this.mechanisms?.get(mechanism);
    if (makeExchange === undefined) {
      this.reject('SASL mechanism not enabled');
      throw new ProtocolError(ErrorCode.UNSUPPORTED_SASL_MECHANISM, 'the SASL mechanism is not enabled');
    }
    this.state = { kind: 'proving', exchange: makeExchange(), form };
  }

  /**
   * Processes a token of the client.
   *
   * @returns the token for the client
   * @throws ProtocolError if the authentication failed, after a delay that slows down guessing
   */
  async prove(token: Buffer): Promise<Buffer> {
    const { state } = this;
    if (state.kind !== 'proving') {
      // An authenticated client remains authenticated.
      if (state.kind === 'unknown') this.reject('SaslAuthenticate before SaslHandshake');
      throw new ProtocolError(ErrorCode.ILLEGAL_SASL_STATE, 'unexpected SaslAuthenticate request');
    }
    try {
      const { reply, user } = await state.exchange.next(token);
      if (user !== undefined) this.admit(user);
      return reply;
    } catch (error) {
      this.reject((error as Error).message);
      if (!(error instanceof AuthenticationError)) throw error;
      await new Promise((resolve) => setTimeout(resolve, this.failureDelayMs));
      const message = `authentication failed: ${error.message}`;
      throw new ProtocolError(ErrorCode.SASL_AUTHENTICATION_FAILED, message, { cause: error });
    }
  }

  private admit(user: string): void {
    this.user = user;
    this.state = { kind: 'admitted' };
    this.onAdmitted();
  }

  private reject(reason: string): void {
    this.state = { kind: 'rejected', reason };
  }
}
