import { Controller, Get, Header, Inject, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isSecureRequest, setCookie } from '../sessions/session-cookie.js';
import { SessionsService } from '../sessions/sessions.service.js';
import { PUBLIC_URL } from '../sessions/sessions.tokens.js';
import { OidcError, type OidcErrorCode } from './oidc.errors.js';
import { ATTEMPT_MS, OidcService } from './oidc.service.js';
import { toReturnPath } from './return-path.js';

const SEE_OTHER = 303;

/** The parameters of a response of the provider that are used. @see RFC 6749, section 4.1.2, and RFC 9207 */
const RESPONSE_PARAMETERS = ['code', 'state', 'iss', 'error', 'error_description'] as const;

/**
 * Signing in with the identity provider. `GET /sign-in[?return=/…]` sends the browser to the provider, which sends it back to
 * `GET /sign-in/callback`. Browsers do not send the cookie of the session with a navigation from another site, so that is a page
 * that navigates to `GET /sign-in/complete`, where the session is opened. The user returns to the page, with the outcome as
 * `#sign-in=…`.
 */
@Controller('sign-in')
export class OidcController {
  constructor(
    private readonly oidc: OidcService,
    private readonly sessions: SessionsService,
    @Inject(PUBLIC_URL) private readonly publicUrl: string,
  ) {}

  @Get()
  @Header('cache-control', 'no-store')
  async begin(
    @Req() { headers }: FastifyRequest,
    @Res() reply: FastifyReply,
    @Query('return') requested?: unknown,
  ): Promise<void> {
    const returnPath = toReturnPath(requested);
    try {
      const { url, cookie } = await this.oidc.begin(returnPath);
      const isSecure = isSecureRequest(headers, this.publicUrl);
      const kind = { name: this.oidc.cookieName, isSecure, sameSite: 'Lax' } as const;
      await reply
        .header('set-cookie', setCookie(kind, { value: cookie, maxAgeMs: ATTEMPT_MS }))
        .redirect(url, SEE_OTHER);
    } catch (error) {
      if (!(error instanceof OidcError)) throw error;
      await reply.redirect(this.addressOf(returnPath, error.code), SEE_OTHER);
    }
  }

  @Get('callback')
  @Header('cache-control', 'no-store')
  @Header('content-type', 'text/html; charset=utf-8')
  callback(@Req() { url }: FastifyRequest): string {
    const target = `/sign-in/complete?${responseOf(url).toString()}`.replaceAll('&', '&amp;');
    return (
      '<!doctype html><html><head><meta charset="utf-8"><title>Hailstream</title>' +
      `<meta http-equiv="refresh" content="0; url=${target}"></head>` +
      `<body><p><a href="${target}">Signing in · 로그인 중</a></p></body></html>`
    );
  }

  @Get('complete')
  @Header('cache-control', 'no-store')
  async complete(@Req() { url, headers }: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const isSecure = isSecureRequest(headers, this.publicUrl);
    const outcome = await this.oidc.complete(responseOf(url), { headers, isSecure });
    const attempt = { name: this.oidc.cookieName, isSecure, sameSite: 'Lax' } as const;
    const ended = setCookie(attempt, { value: '', maxAgeMs: 0 });
    if (outcome.kind === 'failed') {
      if (outcome.hasEnded) reply.header('set-cookie', ended);
      await reply.redirect(this.addressOf(outcome.returnPath, outcome.error.code), SEE_OTHER);
      return;
    }
    const { session, hasSwitched, returnPath } = outcome;
    const cookie = { value: this.sessions.cookieOf(session), maxAgeMs: session.expiresAtMs - Date.now() };
    await reply
      .header('set-cookie', [setCookie({ name: this.sessions.cookieName, isSecure }, cookie), ended])
      .redirect(this.addressOf(returnPath, hasSwitched ? 'switched' : 'done'), SEE_OTHER);
  }

  private addressOf(returnPath: string, outcome: OidcErrorCode | 'done' | 'switched'): string {
    const address = new URL(returnPath, this.publicUrl);
    address.hash = `sign-in=${outcome}`;
    return address.href;
  }
}

/** The parameters of the request that are used, each as often as it occurs. */
function responseOf(url: string): URLSearchParams {
  const { searchParams } = new URL(url, 'http://page.invalid');
  const names: readonly string[] = RESPONSE_PARAMETERS;
  return new URLSearchParams([...searchParams].filter(([name]) => names.includes(name)));
}
