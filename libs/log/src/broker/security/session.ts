import { ErrorCode, ProtocolError } from '../../protocol/error-codes.js';
import { AuthenticationError, type SaslExchange } from './sasl/exchange.js';

/** Makes an exchange of each mechanism that is enabled. */
export type SaslMechanisms = ReadonlyMap<string, () => SaslExchange>;

/** How tokens travel: in SaslAuthenticate requests, or, after SaslHandshake 0, as frames with nothing around them. */
type TokenForm = 'request' | 'raw';

type State =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'proving'; readonly exchange: SaslExchange; readonly form: TokenForm }
  | { readonly kind: 'admitted' }
  | { readonly kind: 'refused'; readonly reason: string };

const SASL_HANDSHAKE = 17;
const API_VERSIONS = 18;
const SASL_AUTHENTICATE = 36;
const BEFORE_AUTHENTICATION = new Set([SASL_HANDSHAKE, API_VERSIONS, SASL_AUTHENTICATE]);

/** One connection, from a stranger's to a user's. */
export class Session {
  private state: State;

  /** @param mechanisms undefined where nobody is asked */
  constructor(
    private readonly mechanisms: SaslMechanisms | undefined,
    private readonly failureDelayMs: number,
  ) {
    this.state = mechanisms === undefined ? { kind: 'admitted' } : { kind: 'unknown' };
  }

  get isAdmitted(): boolean {
    return this.state.kind === 'admitted';
  }

  /** Whether the next frame is a token, with no request around it. */
  get expectsRawToken(): boolean {
    return this.state.kind === 'proving' && this.state.form === 'raw';
  }

  /** Why the connection has to end. */
  get refusal(): string | undefined {
    return this.state.kind === 'refused' ? this.state.reason : undefined;
  }

  get mechanismNames(): string[] {
    return [...(this.mechanisms?.keys() ?? [])];
  }

  mayAsk(apiKey: number): boolean {
    return this.isAdmitted || BEFORE_AUTHENTICATION.has(apiKey);
  }

  /** @throws ProtocolError where there is nothing to prove, or not in this way */
  begin(mechanism: string, form: TokenForm): void {
    if (this.state.kind !== 'unknown') {
      throw new ProtocolError(ErrorCode.ILLEGAL_SASL_STATE, 'SaslHandshake is not expected here');
    }
    const makeExchange = this.mechanisms?.get(mechanism);
    if (makeExchange === undefined) {
      this.refuse('a SASL mechanism that is not enabled');
      throw new ProtocolError(ErrorCode.UNSUPPORTED_SASL_MECHANISM, 'the mechanism is not enabled');
    }
    this.state = { kind: 'proving', exchange: makeExchange(), form };
  }

  /**
   * Takes a token of the client.
   *
   * @returns the answer to it
   * @throws ProtocolError where the client can't be who it says: after a while, so that guessing takes time
   */
  async prove(token: Buffer): Promise<Buffer> {
    const { state } = this;
    if (state.kind !== 'proving') {
      // Someone who is admitted already stays so, whatever he asks.
      if (state.kind === 'unknown') this.refuse('SaslAuthenticate before SaslHandshake');
      throw new ProtocolError(ErrorCode.ILLEGAL_SASL_STATE, 'SaslAuthenticate is not expected here');
    }
    try {
      const { reply, user } = await state.exchange.next(token);
      if (user !== undefined) this.state = { kind: 'admitted' };
      return reply;
    } catch (error) {
      this.refuse((error as Error).message);
      if (!(error instanceof AuthenticationError)) throw error;
      await new Promise((resolve) => setTimeout(resolve, this.failureDelayMs));
      const message = `authentication failed: ${error.message}`;
      throw new ProtocolError(ErrorCode.SASL_AUTHENTICATION_FAILED, message, { cause: error });
    }
  }

  private refuse(reason: string): void {
    this.state = { kind: 'refused', reason };
  }
}
