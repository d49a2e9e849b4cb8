import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { performance } from 'node:perf_hooks';
import { decodeValue, EventDecodeError, revocationValidator, sessionTopic } from '@hailstream/events';
import type { RevocableKind, RevocationRecord } from '@hailstream/events';
import { LogError, type Admin, type LogConnection, type LogRecord, type Producer } from '@hailstream/log';
import { ADMIN, LOGGER, PRODUCER, type CookieSessions } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import {
  AuthError,
  makeToken,
  requireScope,
  TokenVerifier,
  type Principal,
} from '@hailstream/service/tokens';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { callerOf } from '../limits/callers.js';
import { LOG_CONNECTION } from '../log/log.tokens.js';
import { TopicView } from '../log/topic-view.js';
import { isSamePrincipal, type BrowserSession, type ProvenUser } from './browser-session.js';
import { revocationKey, Revocations } from './revocations.js';
import { cookieValues } from './session-cookie.js';
import type { SessionOptions } from './session-options.js';
import { Seal } from './seal.js';
import { SessionSeal } from './session-seal.js';
import { SessionError } from './sessions.errors.js';
import { SESSION_OPTIONS } from './sessions.tokens.js';
import { SignInLimit } from './sign-in-limit.js';

/** Maximum number of revocations in memory, each about 200 bytes. Beyond it, nobody can sign in until some have expired. */
const MAX_REVOCATIONS = 200_000;
const FORGET_EVERY_MS = 600_000;

/** Lifetime of the tokens with which batch is asked in the name of a session. */
const BATCH_TOKEN_EXPIRES_IN = '1 minute';

/** How a request to sign in was answered. */
type SignIn =
  /** `isNew`: the browser has to store it. */
  | { readonly kind: 'session'; readonly session: BrowserSession; readonly isNew: boolean }
  /** The browser is signed in as another user. */
  | { readonly kind: 'other'; readonly current: Principal; readonly offered: Principal }
  /** The service accepts everybody. */
  | { readonly kind: 'open' };

/** Who has opened a connection that lasts. */
export interface Caller {
  readonly principal: Principal;
  /** Its token, or the one of its session; `undefined` without authentication. */
  readonly token: string | undefined;
  /** Callers with the same one share limits: see `callerOf`. */
  readonly key: string | undefined;
  /** Whether the token or the session is still valid. */
  readonly isValid: () => Promise<boolean>;
}

/**
 * The sessions of browsers. A session is in a sealed cookie, so that it survives a restart and every process accepts it. Those
 * that were signed out are records of `ride.sessions`, which every process reads as a whole.
 */
@Injectable()
export class SessionsService implements CookieSessions, OnApplicationBootstrap, OnModuleDestroy {
  private readonly secret: string | Buffer;
  private readonly seal: SessionSeal;
  private readonly view: TopicView;
  private readonly revocations = new Revocations();
  private readonly limit = new SignInLimit();
  private readonly listeners = new Set<() => void>();
  private readonly logger: Logger;
  private readonly timer = setInterval(() => void this.forget(), FORGET_EVERY_MS).unref();
  private knowsRevocations = false;
  /** Where a user signs out at the identity provider; `null` if that is not possible. */
  signOutUrlOf: (idToken: string | undefined) => Promise<string | null> = () => Promise.resolve(null);

  constructor(
    @Inject(SESSION_OPTIONS) private readonly options: SessionOptions,
    private readonly verifier: TokenVerifier,
    @Inject(LOG_CONNECTION) connection: LogConnection,
    @Inject(ADMIN) admin: Admin,
    @Inject(PRODUCER) private readonly producer: Producer,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.logger = logger.child({ component: 'sessions' });
    const { auth, secret } = options;
    this.secret = secret ?? (auth.kind === 'secret' ? auth.secret : randomBytes(32));
    this.seal = new SessionSeal(this.secret);
    this.view = new TopicView({
      connection,
      admin,
      logger: this.logger,
      topic: sessionTopic.name,
      ensure: () => admin.ensureTopics([sessionTopic]),
      onRecord: (record) => this.apply(record),
      // What was revoked remains revoked, also if the log was replaced.
      onReset: () => undefined,
    });
    verifier.rejectRevoked((token) => this.revocations.hasTokens && this.isTokenRevoked(token));
  }

  onApplicationBootstrap(): void {
    this.view.start();
    const { auth, secret } = this.options;
    if (secret !== null || auth.kind === 'secret' || auth.kind === 'open') return;
    this.logger.warn('sessions end with this process because AUTH_SESSION_SECRET is not set');
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    await this.view[Symbol.asyncDispose]();
  }

  /** Whether the service requires a token or a session. */
  get isRequired(): boolean {
    return this.options.auth.kind !== 'open';
  }

  get cookieName(): string {
    return this.seal.cookieName;
  }

  /** The text of the cookie of a session. */
  cookieOf(session: BrowserSession): string {
    return this.seal.seal(session);
  }

  /** Calls the listener when sessions or tokens were revoked. */
  onRevoked(listener: () => void): void {
    this.listeners.add(listener);
  }

  /**
   * The valid session of a request; `undefined` if it has none.
   *
   * @throws AuthError `KEYS_UNAVAILABLE` if it is not known yet which sessions were signed out
   */
  recall(headers: IncomingHttpHeaders): (BrowserSession & { readonly key: string }) | undefined {
    if (this.options.auth.kind === 'open') return undefined;
    for (const value of cookieValues(headers, this.seal.cookieName)) {
      const session = this.seal.open(value);
      if (session !== undefined && this.isValid(session)) {
        return { ...session, key: `session:${session.origin.hash}` };
      }
    }
    return undefined;
  }

  /** Who opens a connection: with a token, or else with a session. @throws AuthError */
  async identify(token: string | undefined, headers: IncomingHttpHeaders): Promise<Caller> {
    const session = token === undefined ? this.recall(headers) : undefined;
    if (session === undefined) {
      const principal = await this.verifier.verify(token);
      return { principal, token, key: callerOf(principal, token), isValid: () => this.isTokenValid(token) };
    }
    const { principal, key: ofSession } = session;
    const key = callerOf(principal, ofSession);
    return { principal, token: ofSession, key, isValid: () => Promise.resolve(this.isValid(session)) };
  }

  /**
   * Opens a session with a token, unless the browser has one of the same user.
   *
   * @param options.replaces whether a session of another user is ended for it
   * @throws AuthError if the token is not valid; SessionError if there are too many sessions
   */
  async signIn(
    token: string | undefined,
    { headers, replaces }: { readonly headers: IncomingHttpHeaders; readonly replaces: boolean },
  ): Promise<SignIn> {
    const verified = await this.verifier.inspect(token);
    if (verified === undefined || token === undefined) return { kind: 'open' };
    const { principal, isForSignIn, expiresAtMs } = verified;
    requireScope(principal, 'read');
    const { auth, sessionMs } = this.options;
    const now = Date.now();
    const endsAtMs = isForSignIn ? now + sessionMs : Math.min(now + sessionMs, expiresAtMs);
    const current = this.recall(headers);
    if (current !== undefined) {
      const isSame = isSamePrincipal(current.principal, principal);
      if (isSame && current.expiresAtMs - now >= (endsAtMs - now) / 2) {
        return { kind: 'session', session: current, isNew: false };
      }
      if (!isSame && !replaces) return { kind: 'other', current: current.principal, offered: principal };
    }
    const hash = hashOf(signedPartOf(token));
    this.requireRoom(hash);
    if (current !== undefined) await this.revoke([sessionRevocation(current)]);
    const origin = {
      hash,
      expiresAtMs: isForSignIn ? null : expiresAtMs,
      // Batch cannot verify a token of this service then.
      ...(auth.kind !== 'secret' && { token }),
    };
    return {
      kind: 'session',
      session: { id: randomUUID(), principal, expiresAtMs: endsAtMs, origin },
      isNew: true,
    };
  }

  /**
   * Opens a session for a user whom the identity provider has authenticated. It replaces the one of the browser.
   *
   * @throws AuthError if the user may not read; SessionError if there are too many sessions
   */
  async signInUser(
    { principal, subject, idToken }: ProvenUser,
    headers: IncomingHttpHeaders,
  ): Promise<{ readonly session: BrowserSession; readonly hasSwitched: boolean }> {
    requireScope(principal, 'read');
    const now = Date.now();
    const hash = hashOf(subject);
    const current = this.recall(headers);
    this.requireRoom(hash);
    if (current !== undefined) {
      await this.revoke([sessionRevocation(current)]).catch((error: unknown) => {
        if (!(error instanceof SessionError)) throw error;
        // The browser forgets it, and the user has proven who it is.
        this.logger.warn({ err: error }, 'a session that was replaced remains valid in other processes');
      });
    }
    const origin = { hash, expiresAtMs: null, token: idToken, isOfProvider: true };
    const expiresAtMs = now + this.options.sessionMs;
    return {
      session: { id: randomUUID(), principal, expiresAtMs, origin },
      hasSwitched: current !== undefined && !isSamePrincipal(current.principal, principal),
    };
  }

  /** Seals other values of cookies with the key of sessions. */
  sealOf(purpose: string): Seal {
    return new Seal(this.secret, purpose);
  }

  /** Ends a session in all processes, and the token that it was opened with. @throws SessionError if the log did not store it */
  async signOut(session: BrowserSession): Promise<void> {
    const { hash, expiresAtMs } = session.origin;
    const ofToken = expiresAtMs === null ? [] : [{ kind: 'token', id: hash, expiresAtMs } as const];
    await this.revoke([sessionRevocation(session), ...ofToken]);
  }

  /** Where the user of a session that has ended signs out as well; `null` if nowhere. */
  async providerSignOutUrl({ origin }: BrowserSession): Promise<string | null> {
    return origin.isOfProvider === true ? await this.signOutUrlOf(origin.token) : null;
  }

  /** The header `Authorization` with which batch is asked in the name of a caller; `undefined` without authentication. */
  async authorizationFor(headers: IncomingHttpHeaders): Promise<string | undefined> {
    const session = headers.authorization === undefined ? this.recall(headers) : undefined;
    if (session === undefined) return headers.authorization;
    const { auth } = this.options;
    const { principal, origin } = session;
    if (auth.kind !== 'secret') return origin.token === undefined ? undefined : `Bearer ${origin.token}`;
    const { providerId, name } = principal;
    const claims = {
      scopes: ['read'] as const,
      ...(providerId !== undefined && { providerId }),
      ...(name !== undefined && { name }),
    };
    return `Bearer ${await makeToken(auth.secret, claims, BATCH_TOKEN_EXPIRES_IN)}`;
  }

  /** @throws SessionError if no further session may be opened with a token, or by a user */
  private requireRoom(hash: string): void {
    if (!this.limit.allow(hash, performance.now())) {
      throw new SessionError('TOO_MANY_SESSIONS', 'too many sessions were opened with this token');
    }
    if (this.revocations.count >= MAX_REVOCATIONS) {
      throw new SessionError('FULL', 'too many sessions were signed out: sign in with another token later');
    }
  }

  /** Earlier versions revoked a token by the hash of all of it. */
  private isTokenRevoked(token: string): boolean {
    return [signedPartOf(token), token].some((text) => this.revocations.has('token', hashOf(text)));
  }

  private isValid({ id, expiresAtMs, origin }: BrowserSession): boolean {
    this.knowsRevocations ||= this.view.isCurrent;
    if (!this.knowsRevocations) {
      throw new AuthError('KEYS_UNAVAILABLE', 'it is not known yet which sessions were signed out');
    }
    if (expiresAtMs <= Date.now() || this.revocations.has('session', id)) return false;
    return !this.revocations.has('token', origin.hash);
  }

  private async isTokenValid(token: string | undefined): Promise<boolean> {
    try {
      await this.verifier.verify(token);
      return true;
    } catch (error) {
      // A connection remains open if the keys are unavailable.
      return !(error instanceof AuthError) || error.code === 'KEYS_UNAVAILABLE';
    }
  }

  /** In this process at once, in the others once they have read it. */
  private async revoke(revoked: readonly Revocation[]): Promise<void> {
    for (const { kind, id, expiresAtMs } of revoked)
      this.revocations.add(revocationKey(kind, id), expiresAtMs);
    this.notify();
    const records = revoked.map(({ kind, id, expiresAtMs }) => {
      const record: RevocationRecord = { kind, id, revoked_at: Date.now(), expires_at: expiresAtMs };
      return { topic: sessionTopic.name, key: revocationKey(kind, id), value: JSON.stringify(record) };
    });
    await this.write(records);
  }

  private async write(records: Parameters<Producer['send']>[0]): Promise<void> {
    try {
      const results = await this.producer.send(records);
      const failed = results.find((result) => result.kind === 'failed');
      if (failed !== undefined) throw failed.error;
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      const detail = `the session ended in this process only, because the log did not store it: ${error.message}`;
      throw new SessionError('UNAVAILABLE', detail, { cause: error });
    }
  }

  private apply({ value, offset }: LogRecord): void {
    if (value === null) return;
    try {
      const { kind, id, expires_at: expiresAtMs } = decodeValue(revocationValidator, value);
      if (this.revocations.add(revocationKey(kind, id), expiresAtMs)) this.notify();
    } catch (error) {
      if (!(error instanceof EventDecodeError)) throw error;
      this.logger.warn({ err: error, offset: String(offset) }, 'skipped a record that is not a revocation');
    }
  }

  /** Removes what has expired, also from the log. */
  private async forget(): Promise<void> {
    this.limit.forget(performance.now());
    const expired = this.revocations.forget(Date.now());
    if (expired.length === 0) return;
    await this.write(expired.map((key) => ({ topic: sessionTopic.name, key, value: null }))).catch(
      (error: unknown) => this.logger.warn({ err: error }, 'expired revocations remain in the log'),
    );
  }

  private notify(): void {
    for (const listener of this.listeners) listener();
  }
}

interface Revocation {
  readonly kind: RevocableKind;
  readonly id: string;
  readonly expiresAtMs: number;
}

function sessionRevocation({ id, expiresAtMs }: BrowserSession): Revocation {
  return { kind: 'session', id, expiresAtMs };
}

/** What identifies a token: its signature can be written in several ways, and some kinds can be changed without the key. */
function signedPartOf(token: string): string {
  return token.slice(0, token.lastIndexOf('.'));
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
