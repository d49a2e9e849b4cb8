import type { IncomingHttpHeaders } from 'node:http';
import { LOGGER } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { RateLimitedLogger } from '@hailstream/service/rate-limited-logger';
import { AuthError } from '@hailstream/service/tokens';
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { BrowserSession, ProvenUser } from '../sessions/browser-session.js';
import type { Seal } from '../sessions/seal.js';
import { cookieValue } from '../sessions/session-cookie.js';
import { SessionError } from '../sessions/sessions.errors.js';
import { SessionsService } from '../sessions/sessions.service.js';
import { ExchangeLimit } from './exchange-limit.js';
import { IdentityProvider, type Challenge } from './identity-provider.js';
import { OidcError } from './oidc.errors.js';
import type { OidcOptions } from './oidc-options.js';
import { OIDC_OPTIONS } from './oidc.tokens.js';

/** Binds sealed attempts to their purpose and layout. */
const PURPOSE = 'hailstream sign-in v1';

/** How long a user may take to sign in at the provider. */
export const ATTEMPT_MS = 600_000;

/** A sign-in that the browser has begun, in its cookie. */
interface Attempt extends Challenge {
  readonly returnPath: string;
  readonly expiresAtMs: number;
}

/** How a sign-in has ended, and where the user goes. */
type Outcome =
  | {
      readonly kind: 'signed-in';
      readonly session: BrowserSession;
      /** Whether the browser was signed in as another user. */
      readonly hasSwitched: boolean;
      readonly returnPath: string;
    }
  | {
      readonly kind: 'failed';
      readonly error: OidcError;
      readonly returnPath: string;
      /** Whether the attempt has ended; otherwise the browser may still complete it. */
      readonly hasEnded: boolean;
    };

/** Signs users in with the identity provider. What it must remember of an attempt is in a sealed cookie of the browser. */
@Injectable()
export class OidcService implements OnModuleDestroy {
  private readonly provider: IdentityProvider;
  private readonly attempts: Seal;
  private readonly limit = new ExchangeLimit();
  private readonly log: RateLimitedLogger;

  constructor(
    @Inject(OIDC_OPTIONS) options: OidcOptions,
    private readonly sessions: SessionsService,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.provider = new IdentityProvider(options);
    this.attempts = sessions.sealOf(PURPOSE);
    sessions.signOutUrlOf = (idToken) => this.signOutUrl(idToken);
    this.log = new RateLimitedLogger(logger.child({ component: 'oidc' }));
  }

  onModuleDestroy(): void {
    this.log.stop();
  }

  /** Of the cookie with the attempt. A browser has one: the last that it has begun. */
  get cookieName(): string {
    return `${this.sessions.cookieName}-sign-in`;
  }

  /** Returns where the browser is sent, and the text of its cookie. @throws OidcError `unavailable` */
  async begin(returnPath: string): Promise<{ readonly url: string; readonly cookie: string }> {
    try {
      const { url, challenge } = await this.provider.begin();
      const attempt: Attempt = { ...challenge, returnPath, expiresAtMs: Date.now() + ATTEMPT_MS };
      return { url, cookie: this.attempts.seal(attempt) };
    } catch (error) {
      if (error instanceof OidcError) this.log.warn({ err: error }, 'the identity provider is unavailable');
      throw error;
    }
  }

  /** Opens a session with the response of the provider, if this browser has requested it. */
  async complete(
    response: URLSearchParams,
    { headers, isSecure }: { readonly headers: IncomingHttpHeaders; readonly isSecure: boolean },
  ): Promise<Outcome> {
    const attempt = this.attemptOf(headers, isSecure);
    const states = response.getAll('state');
    // Another attempt of the browser may still be completed.
    const isOwn = attempt !== undefined && states.length === 1 && states[0] === attempt.state;
    const { returnPath } = attempt ?? { returnPath: '/' };
    try {
      if (!isOwn) throw new OidcError('expired', 'this browser has not begun the sign-in');
      const user = await this.exchange(response, attempt);
      return { kind: 'signed-in', ...(await this.sessions.signInUser(user, headers)), returnPath };
    } catch (cause) {
      const error = toOidcError(cause);
      this.log.warn({ err: error }, 'a user could not sign in');
      return { kind: 'failed', error, returnPath, hasEnded: isOwn };
    }
  }

  /** The session here has ended: without an answer of the provider, the one there remains. */
  private async signOutUrl(idToken: string | undefined): Promise<string | null> {
    try {
      return await this.provider.signOutUrl(idToken);
    } catch (error) {
      if (!(error instanceof OidcError)) throw error;
      this.log.warn({ err: error }, 'a user remains signed in at the identity provider');
      return null;
    }
  }

  private async exchange(response: URLSearchParams, attempt: Attempt): Promise<ProvenUser> {
    const now = Date.now();
    if (attempt.expiresAtMs <= now) throw new OidcError('expired', 'the sign-in was begun too long ago');
    if (this.limit.isUsed(attempt.state)) throw new OidcError('expired', 'the sign-in was completed before');
    if (!this.limit.begin(attempt, now)) throw new OidcError('busy', 'too many users sign in');
    try {
      return await this.provider.complete(response, attempt);
    } finally {
      this.limit.end();
    }
  }

  /** Only of a cookie that no other host can have set, if the browser uses TLS. */
  private attemptOf(headers: IncomingHttpHeaders, isSecure: boolean): Attempt | undefined {
    const value = cookieValue(headers, { name: this.cookieName, isSecure });
    return value === undefined ? undefined : (this.attempts.open(value) as Attempt | undefined);
  }
}

function toOidcError(error: unknown): OidcError {
  if (error instanceof OidcError) return error;
  const options = { cause: error };
  if (error instanceof SessionError) return new OidcError('busy', error.message, options);
  if (!(error instanceof AuthError)) throw error;
  const code = error.code === 'KEYS_UNAVAILABLE' ? 'busy' : 'not-permitted';
  return new OidcError(code, error.message, options);
}
