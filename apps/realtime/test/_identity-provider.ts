import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { createServer, request as httpRequest, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider';
import { OTHER_PROVIDER, PROVIDER } from '../src/fold/events.fixture.js';

export const CLIENT_ID = 'dashboard';
export const CLIENT_SECRET = 'the secret of the client that the provider knows';
const ALGORITHM = 'ES256';

/** The users of the provider, by what they enter as their login. */
const users: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  Kim: { name: 'Kim', provider_id: '*', groups: { hailstream: ['admin'] } },
  Lou: { name: 'Lou', provider_id: PROVIDER, groups: { hailstream: ['viewer'] } },
  Max: { name: 'Max', provider_id: OTHER_PROVIDER, groups: { hailstream: ['operator', 'other'] } },
  'without a provider': { name: 'Noa', groups: { hailstream: ['viewer'] } },
  'without a role': { name: 'Pat', provider_id: '*', groups: {} },
  'with a wrong provider': { name: 'Quin', provider_id: 'all', groups: { hailstream: ['viewer'] } },
};

type Claims = Record<string, unknown>;

/** How an answer of the token endpoint is changed. */
export interface Tampering {
  /** Changes the claims of the id token, which is signed again with a key of the provider. */
  readonly claims?: (claims: Claims) => Claims;
  /** Signs it with a key that the provider does not publish. */
  readonly signsWithOtherKey?: boolean;
  /** Replaces the header of the id token, and with `none` its signature. */
  readonly algorithm?: 'none';
  /** Answers with this instead. */
  readonly answer?: { readonly status: number; readonly body: string };
  /** Closes the connection. */
  readonly isDown?: boolean;
}

export interface TestProvider extends AsyncDisposable {
  readonly issuer: string;
  tampering: Tampering;
  /** How often the token endpoint was requested. */
  exchanges: number;
}

/** Starts an OpenID provider that shows its forms for signing in and for consent. */
export async function startProvider(
  redirectUri: string,
  { host = '127.0.0.1', signsOut = true }: { readonly host?: string; readonly signsOut?: boolean } = {},
): Promise<TestProvider> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://${host}:${(server.address() as AddressInfo).port}`;
  const [key, otherKey] = [newKey(), newKey()];
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
        redirect_uris: [redirectUri],
        post_logout_redirect_uris: [new URL('/', redirectUri).href],
        id_token_signed_response_alg: ALGORITHM,
      },
    ],
    jwks: { keys: [{ ...key.export({ format: 'jwk' }), kid: 'one', use: 'sig', alg: ALGORITHM } as object] },
    cookies: { keys: ['the key of the cookies of the provider'] },
    pkce: { required: () => true },
    features: { rpInitiatedLogout: { enabled: signsOut } },
    claims: { openid: ['sub'], profile: ['name', 'provider_id', 'groups'] },
    // The claims of scopes are in id tokens, as most providers have them.
    conformIdTokenClaims: false,
    findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, ...users[sub] }) }),
  });
  const test: TestProvider = {
    issuer,
    tampering: {},
    exchanges: 0,
    [Symbol.asyncDispose]: () => close(server),
  };
  provider.use(async (context, next) => {
    await next();
    if (context.path !== '/token') return;
    test.exchanges += 1;
    const { isDown, answer } = test.tampering;
    if (isDown) context.req.socket.destroy();
    if (answer !== undefined) Object.assign(context, answer);
    const body = context.body as { id_token?: string };
    if (body.id_token !== undefined) body.id_token = tamper(body.id_token, test.tampering, { key, otherKey });
  });
  server.on('request', provider.callback());
  return test;
}

function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

function tamper(
  token: string,
  { claims: change = (claims) => claims, signsWithOtherKey = false, algorithm }: Tampering,
  { key, otherKey }: { readonly key: KeyObject; readonly otherKey: KeyObject },
): string {
  const [header = '', payload = ''] = token.split('.');
  const changed = [
    algorithm === undefined ? header : encode({ alg: algorithm }),
    encode(change(JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims)),
  ].join('.');
  if (algorithm === 'none') return `${changed}.`;
  const signature = sign('sha256', Buffer.from(changed), {
    key: signsWithOtherKey ? otherKey : key,
    dsaEncoding: 'ieee-p1363',
  });
  return `${changed}.${signature.toString('base64url')}`;
}

function encode(content: object): string {
  return Buffer.from(JSON.stringify(content)).toString('base64url');
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

interface Cookie {
  readonly value: string;
  readonly sameSite: string;
}

/** A response. */
interface Visit {
  readonly url: URL;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/**
 * What a browser does with navigations: it follows redirects and refreshing pages, keeps cookies for each origin, and sends those
 * that are `SameSite=Strict` only if no other site took part in the navigation.
 */
export class TestBrowser {
  readonly cookies = new Map<string, Map<string, Cookie>>();
  /** All responses in order. */
  readonly visits: Visit[] = [];

  /** @param hosts where the origins are served that have a name */
  constructor(private readonly hosts: Readonly<Record<string, string>>) {}

  /** The names of the cookies of an origin. */
  cookiesOf(origin: string): Map<string, Cookie> {
    const known = this.cookies.get(origin) ?? new Map<string, Cookie>();
    this.cookies.set(origin, known);
    return known;
  }

  /**
   * Opens a URL as the user does or, with `from`, as a page of that origin does.
   *
   * @param options.until stops before this path is requested, and returns the response that leads to it
   */
  async open(
    address: string,
    options: { readonly from?: string; readonly form?: string; readonly until?: string } = {},
  ): Promise<Visit> {
    let { form } = options;
    const { from } = options;
    let url = new URL(address);
    let isSameSite = from === undefined || from === url.origin;
    for (let hop = 0; hop < 20; hop += 1) {
      const visit = await this.request(url, { isSameSite, ...(form !== undefined && { form }) });
      this.visits.push(visit);
      const { next, isRedirect } = nextOf(visit);
      if (next === undefined || next.pathname === options.until) return visit;
      // A page that navigates is the origin of a new navigation.
      isSameSite = (isRedirect ? isSameSite : true) && next.origin === url.origin;
      [url, form] = [next, undefined];
    }
    throw new Error(`too many redirects from ${address}`);
  }

  /** The URL that the last response leads to. */
  get next(): URL {
    const { next } = nextOf(this.visits.at(-1)!);
    if (next === undefined) throw new Error(`${this.visits.at(-1)!.url.href} leads nowhere`);
    return next;
  }

  private async request(
    url: URL,
    { isSameSite, form }: { readonly isSameSite: boolean; readonly form?: string },
  ): Promise<Visit> {
    const kept = this.cookiesOf(url.origin);
    const sent = [...kept].filter(([, { sameSite }]) => isSameSite || sameSite !== 'Strict');
    const headers = {
      host: url.host,
      ...(sent.length > 0 && { cookie: sent.map(([name, { value }]) => `${name}=${value}`).join('; ') }),
      ...(form !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
    };
    const response = await send(
      new URL(url.pathname + url.search, this.hosts[url.origin] ?? url.origin),
      headers,
      form,
    );
    for (const line of response.headers['set-cookie'] ?? []) keep(kept, line);
    return { url, ...response };
  }
}

function keep(kept: Map<string, Cookie>, line: string): void {
  const [pair = '', ...attributes] = line.split('; ');
  const [name = '', value = ''] = pair.split(/=(.*)/s);
  const [, sameSite = 'Lax'] = /SameSite=(\w+)/i.exec(line) ?? [];
  const isExpired = attributes.some((attribute) => /^Max-Age=0$|^expires=Thu, 01 Jan 1970/i.test(attribute));
  if (isExpired) kept.delete(name);
  else kept.set(name, { value, sameSite });
}

function nextOf({ url, headers, text }: Visit): { readonly next?: URL; readonly isRedirect: boolean } {
  const { location } = headers;
  const [, refresh] = /http-equiv="refresh" content="0; url=([^"]*)"/.exec(text) ?? [];
  const target = location ?? refresh?.replaceAll('&amp;', '&');
  return {
    ...(target !== undefined && { next: new URL(target, url) }),
    isRedirect: location !== undefined,
  };
}

function send(
  url: URL,
  headers: Readonly<Record<string, string>>,
  form: string | undefined,
): Promise<Omit<Visit, 'url'>> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method: form === undefined ? 'GET' : 'POST', headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      );
    });
    request.on('error', reject).end(form);
  });
}
