import { performance } from 'node:perf_hooks';
import { isProtectedUrl } from '@hailstream/service/loopback';
import { AuthError, TokenVerifier } from '@hailstream/service/tokens';
import type * as openid from 'openid-client';
import type { ProvenUser } from '../sessions/browser-session.js';
import { OidcError } from './oidc.errors.js';
import type { OidcOptions } from './oidc-options.js';
import { fetchFromProvider, PROVIDER_TIMEOUT_SECONDS } from './provider-fetch.js';

/** How long the description of the provider is used before it is fetched again. */
const DESCRIPTION_MAX_AGE_MS = 3_600_000;
/** How long it is not fetched after it could not be. */
const RETRY_AFTER_MS = 5_000;

/** Errors of an authorization response that are not about the user. @see RFC 6749, section 4.1.2.1 */
const FAULTS_OF_PROVIDER: ReadonlySet<string> = new Set([
  ...['server_error', 'temporarily_unavailable', 'invalid_request', 'invalid_scope'],
  ...[
    'unauthorized_client',
    'unsupported_response_type',
    'request_not_supported',
    'registration_not_supported',
  ],
]);

/** What binds the response of the provider to a request. It is known to this service and to the browser's cookie only. */
export interface Challenge {
  readonly state: string;
  readonly nonce: string;
  /** Proof key for the code exchange. @see RFC 7636 */
  readonly verifier: string;
}

/** The provider as it describes itself. */
interface Described {
  readonly config: openid.Configuration;
  readonly tokens: TokenVerifier;
  readonly keysUrl: string;
  /** Monotonic time. */
  readonly at: number;
}

/** An OpenID provider: authorization code with PKCE. @see OpenID Connect Core, 3.1 */
export class IdentityProvider {
  private known: Described | undefined;
  private fetching: Promise<Described> | undefined;
  private retryAt = -Infinity;

  constructor(private readonly options: OidcOptions) {}

  /** Where a browser is sent to sign in, and what its response is checked with. @throws OidcError `unavailable` */
  async begin(): Promise<{ readonly url: string; readonly challenge: Challenge }> {
    const { redirectUri, scope } = this.options;
    const client = await import('openid-client');
    const { config } = await this.describe();
    const challenge = {
      state: client.randomState(),
      nonce: client.randomNonce(),
      verifier: client.randomPKCECodeVerifier(),
    };
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      scope,
      state: challenge.state,
      nonce: challenge.nonce,
      code_challenge: await client.calculatePKCECodeChallenge(challenge.verifier),
      code_challenge_method: 'S256',
    });
    return { url: url.href, challenge };
  }

  /**
   * Exchanges the code of a response for the id token of the user, and verifies both. Claims mean what they mean in the tokens of a
   * key set.
   *
   * @throws OidcError if the user is not signed in
   */
  async complete(response: URLSearchParams, { state, nonce, verifier }: Challenge): Promise<ProvenUser> {
    const client = await import('openid-client');
    const { config, tokens } = await this.describe();
    try {
      const granted = await client.authorizationCodeGrant(
        config,
        new URL(`${this.options.redirectUri}?${response.toString()}`),
        { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true },
      );
      const { id_token: idToken } = granted;
      const claims = granted.claims();
      if (idToken === undefined || claims === undefined)
        throw new OidcError('invalid', 'the provider sent no id token');
      const verified = await tokens.inspect(idToken);
      if (verified === undefined) throw new OidcError('invalid', 'the id token was not verified');
      return { principal: verified.principal, subject: `${claims.iss} ${claims.sub}`, idToken };
    } catch (error) {
      throw toOidcError(error, client);
    }
  }

  /** Where a user signs out at the provider; `null` if it does not offer that. @throws OidcError `unavailable` */
  async signOutUrl(idToken: string | undefined): Promise<string | null> {
    const client = await import('openid-client');
    const { config } = await this.describe();
    if (config.serverMetadata().end_session_endpoint === undefined) return null;
    requireProtected(config.serverMetadata().end_session_endpoint);
    return client.buildEndSessionUrl(config, {
      post_logout_redirect_uri: this.options.signedOutUri,
      ...(idToken !== undefined && { id_token_hint: idToken }),
    }).href;
  }

  /** The provider's description of itself. One that cannot be fetched again is used further. */
  private async describe(): Promise<Described> {
    const now = performance.now();
    const { known } = this;
    if (known !== undefined && now - known.at < DESCRIPTION_MAX_AGE_MS) return known;
    if (now < this.retryAt) {
      if (known !== undefined) return known;
      throw new OidcError('unavailable', 'the identity provider did not respond a moment ago');
    }
    this.fetching ??= this.fetchDescription().finally(() => (this.fetching = undefined));
    try {
      return await this.fetching;
    } catch (error) {
      this.retryAt = performance.now() + RETRY_AFTER_MS;
      // If the provider is not there, the code will not be exchanged either, and that is reported.
      if (known !== undefined) return known;
      throw error;
    }
  }

  private async fetchDescription(): Promise<Described> {
    const client = await import('openid-client');
    const { issuer, clientId, clientSecret, roleClaim } = this.options;
    let config: openid.Configuration;
    try {
      config = await client.discovery(
        new URL(issuer),
        clientId,
        undefined,
        clientAuth(client, clientSecret),
        {
          [client.customFetch]: fetchFromProvider,
          timeout: PROVIDER_TIMEOUT_SECONDS,
          // `fetchFromProvider` allows plain HTTP on loopback only.
          execute: [client.allowInsecureRequests],
        },
      );
    } catch (cause) {
      throw toUnavailable(cause);
    }
    const server = config.serverMetadata();
    requireProtected(server.authorization_endpoint);
    const keysUrl = requireProtected(server.jwks_uri);
    const { known } = this;
    const tokens =
      known?.keysUrl === keysUrl
        ? known.tokens
        : new TokenVerifier({
            kind: 'jwks',
            url: keysUrl,
            issuer: server.issuer,
            audience: [clientId],
            ...(roleClaim !== undefined && { roleClaim }),
          });
    this.known = { config, tokens, keysUrl, at: performance.now() };
    return this.known;
  }
}

/** @throws OidcError `unavailable` if the URL could be changed on the way */
function requireProtected(url: string | undefined): string {
  if (url !== undefined && URL.canParse(url) && isProtectedUrl(new URL(url))) return url;
  const what = url === undefined ? 'lacks a URL' : `has the URL ${JSON.stringify(url)}, which is not https`;
  throw new OidcError('unavailable', `the description of the identity provider ${what}`);
}

/** How the client proves to the provider who it is: with the first way that both know. */
function clientAuth(client: typeof openid, secret: string | null): openid.ClientAuth {
  if (secret === null) return client.None();
  const [basic, post] = [client.ClientSecretBasic(secret), client.ClientSecretPost(secret)];
  return (server, ...rest) => {
    // Without a list, providers know `client_secret_basic`. @see OpenID Connect Discovery, section 3
    const known = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    return (known.includes('client_secret_basic') ? basic : post)(server, ...rest);
  };
}

function toOidcError(error: unknown, client: typeof openid): OidcError {
  const options = { cause: error };
  if (error instanceof OidcError) return error;
  if (error instanceof AuthError) {
    switch (error.code) {
      case 'KEYS_UNAVAILABLE':
        return new OidcError('unavailable', error.message, options);
      case 'CLAIM_MISSING':
      case 'CLAIM_INVALID':
      case 'SCOPE_MISSING':
        return new OidcError('not-permitted', error.message, options);
      default:
        return new OidcError('invalid', error.message, options);
    }
  }
  if (error instanceof client.AuthorizationResponseError) {
    const code = FAULTS_OF_PROVIDER.has(error.error) ? 'unavailable' : 'refused';
    return new OidcError(code, `the identity provider answered ${error.error}`, options);
  }
  if (error instanceof client.ResponseBodyError) {
    // The code has expired, or was used. Everything else is about this client.
    const code = error.error === 'invalid_grant' ? 'expired' : 'unavailable';
    return new OidcError(code, `the identity provider answered ${error.error}`, options);
  }
  if (isUnavailable(error)) return toUnavailable(error);
  return new OidcError('invalid', 'the response of the identity provider is not valid', options);
}

function toUnavailable(cause: unknown): OidcError {
  if (cause instanceof OidcError) return cause;
  if (cause instanceof Error && cause.cause instanceof OidcError) return cause.cause;
  return new OidcError('unavailable', 'the identity provider does not respond as it should', { cause });
}

/** Whether a request failed, as opposed to what a response says of the user. */
function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return error.cause instanceof OidcError || FAILED_REQUESTS.has(code);
}

/** Codes of openid-client: no response in time, or one that is not an answer. */
const FAILED_REQUESTS: ReadonlySet<string> = new Set([
  'OAUTH_TIMEOUT',
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_RESPONSE_IS_NOT_JSON',
  'OAUTH_PARSE_ERROR',
]);
