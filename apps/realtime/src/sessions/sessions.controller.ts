import type { ProviderSignOut, SessionState, SessionUser } from '@hailstream/events/live';
import { bearerToken, ProblemError } from '@hailstream/nest';
import type { Principal } from '@hailstream/service/tokens';
import { Controller, Delete, Get, Header, HttpCode, Inject, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BrowserSession } from './browser-session.js';
import { isSecureRequest, setCookie } from './session-cookie.js';
import { SessionError } from './sessions.errors.js';
import { SessionsService } from './sessions.service.js';
import { PUBLIC_URL } from './sessions.tokens.js';

const statuses = { TOO_MANY_SESSIONS: 429, FULL: 503, UNAVAILABLE: 503 } as const;
const titles = { 429: 'Too Many Requests', 503: 'Service Unavailable' } as const;
const RETRY_AFTER_SECONDS = 30;

/**
 * `GET /session`: who is signed in. `POST /session[?replace=true]` with a bearer token signs a browser in: the token is in a
 * header, so that it is verified before a body could be read. `DELETE /session` signs out, and answers where the user signs out at
 * the identity provider.
 */
@Controller('session')
export class SessionsController {
  constructor(
    private readonly sessions: SessionsService,
    @Inject(PUBLIC_URL) private readonly publicUrl: string,
  ) {}

  @Get()
  @Header('cache-control', 'no-store')
  state(@Req() { headers }: FastifyRequest): SessionState {
    const session = this.sessions.recall(headers);
    return this.stateOf(session);
  }

  @Post()
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  async signIn(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Query('replace') replace?: string,
  ): Promise<SessionState> {
    const { headers } = request;
    const token = bearerToken(headers.authorization);
    const signIn = await this.sessions
      .signIn(token, { headers, replaces: replace === 'true' })
      .catch(toProblem);
    switch (signIn.kind) {
      case 'open':
        return this.stateOf(undefined);
      case 'other':
        throw new ProblemError({
          status: 409,
          title: 'Conflict',
          detail: 'the browser is signed in as another user: ask, then add replace=true',
          extensions: { current: userOf(signIn.current), offered: userOf(signIn.offered) },
        });
      case 'session': {
        const { session } = signIn;
        if (signIn.isNew) {
          const value = this.sessions.cookieOf(session);
          this.setCookie(request, reply, { value, maxAgeMs: session.expiresAtMs - Date.now() });
        }
        return this.stateOf(session);
      }
    }
  }

  @Delete()
  @Header('cache-control', 'no-store')
  async signOut(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ProviderSignOut | undefined> {
    const session = this.sessions.recall(request.headers);
    this.setCookie(request, reply, { value: '', maxAgeMs: 0 });
    if (session !== undefined) await this.sessions.signOut(session).catch(toProblem);
    const url = session === undefined ? null : await this.sessions.providerSignOutUrl(session);
    if (url !== null) return { url };
    void reply.status(204);
    return undefined;
  }

  private setCookie(
    { headers }: FastifyRequest,
    reply: FastifyReply,
    cookie: { readonly value: string; readonly maxAgeMs: number },
  ): void {
    const name = this.sessions.cookieName;
    const isSecure = isSecureRequest(headers, this.publicUrl);
    // Without a value, the one that was set before TLS, too.
    const kinds = cookie.value === '' && isSecure ? [true, false] : [isSecure];
    reply.header(
      'set-cookie',
      kinds.map((secure) => setCookie({ name, isSecure: secure }, cookie)),
    );
  }

  private stateOf(session: BrowserSession | undefined): SessionState {
    return {
      isRequired: this.sessions.isRequired,
      user: session === undefined ? null : userOf(session.principal),
      expiresAt: session?.expiresAtMs ?? null,
    };
  }
}

function userOf({ name, providerId, scopes }: Principal): SessionUser {
  return { name: name ?? null, providerId: providerId ?? null, scopes: [...scopes] };
}

function toProblem(error: unknown): never {
  if (!(error instanceof SessionError)) throw error;
  const status = statuses[error.code];
  throw new ProblemError({
    status,
    title: titles[status],
    detail: error.message,
    headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
  });
}
