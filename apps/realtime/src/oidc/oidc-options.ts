import { ConfigError, type ConfigIssue } from '@hailstream/service/config';
import { isProtectedUrl } from '@hailstream/service/loopback';
import type { AuthOptions } from '@hailstream/service/tokens';

/** How users sign in with an identity provider. */
export interface OidcOptions {
  /** The URL of the provider, below which it describes itself. */
  readonly issuer: string;
  readonly clientId: string;
  /** `null` for a public client. */
  readonly clientSecret: string | null;
  /** What is requested about the user: names separated by blanks. */
  readonly scope: string;
  /** The claim with the roles of the user. @default roles are not read */
  readonly roleClaim?: string;
  /** Where the provider sends the user back to. */
  readonly redirectUri: string;
  /** Where it sends a user back to who has signed out there. */
  readonly signedOutUri: string;
}

/** Where users sign in, and are sent back to. */
export const SIGN_IN_PATH = '/sign-in';
const CALLBACK_PATH = '/sign-in/callback';

interface OidcEnv {
  readonly AUTH_OIDC_ISSUER?: string;
  readonly AUTH_OIDC_CLIENT_ID?: string;
  readonly AUTH_OIDC_CLIENT_SECRET?: string;
  readonly AUTH_OIDC_SCOPE: string;
  readonly AUTH_ROLE_CLAIM?: string;
}

const PROTECTED = 'an https:// URL, or http:// on a loopback address';

/**
 * Reads the settings of signing in with an identity provider; `null` if they are not set.
 *
 * @throws ConfigError if only some are set, a URL could be changed on the way, or no key for the tokens of devices is set
 */
export function toOidc(env: OidcEnv, auth: AuthOptions, publicUrl: string): OidcOptions | null {
  const { AUTH_OIDC_ISSUER: issuer, AUTH_OIDC_CLIENT_ID: clientId, AUTH_OIDC_CLIENT_SECRET: secret } = env;
  if (issuer === undefined && clientId === undefined && secret === undefined) return null;
  const issues: ConfigIssue[] = [];
  const expect = (variable: string, expected: string, got = 'nothing'): void =>
    void issues.push({ variable, expected, got });
  if (issuer === undefined) expect('AUTH_OIDC_ISSUER', 'the URL of the identity provider');
  else if (!isIssuer(issuer))
    expect('AUTH_OIDC_ISSUER', `${PROTECTED}, without a query`, JSON.stringify(issuer));
  if (clientId === undefined)
    expect('AUTH_OIDC_CLIENT_ID', 'the client that is registered with the provider');
  if (!URL.canParse(publicUrl) || !isProtectedUrl(new URL(publicUrl))) {
    expect('REALTIME_PUBLIC_URL', `${PROTECTED}, with AUTH_OIDC_ISSUER`, JSON.stringify(publicUrl));
  }
  if (auth.kind === 'open') {
    const expected =
      'a value, AUTH_JWKS_URL or AUTH_JWT_PUBLIC_KEY with AUTH_OIDC_ISSUER: otherwise no user need sign in';
    expect('AUTH_JWT_SECRET', expected);
  }
  if (issues.length > 0 || issuer === undefined || clientId === undefined) throw new ConfigError(issues);
  return {
    issuer,
    clientId,
    clientSecret: secret ?? null,
    scope: withOpenId(env.AUTH_OIDC_SCOPE),
    ...(env.AUTH_ROLE_CLAIM !== undefined && { roleClaim: env.AUTH_ROLE_CLAIM }),
    redirectUri: new URL(CALLBACK_PATH, publicUrl).href,
    signedOutUri: new URL('/', publicUrl).href,
  };
}

function isIssuer(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return isProtectedUrl(url) && url.search === '' && url.hash === '' && url.username === '';
}

/** Without it, providers issue no id token. */
function withOpenId(scope: string): string {
  const names = scope.split(/\s+/).filter((name) => name !== '' && name !== 'openid');
  return ['openid', ...names].join(' ');
}
