import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { makeToken } from '@hailstream/service/tokens';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { OTHER_PROVIDER, PROVIDER } from '../src/fold/events.fixture.js';
import {
  CLIENT_ID,
  CLIENT_SECRET,
  startProvider,
  TestBrowser,
  type Tampering,
  type TestProvider,
} from './_identity-provider.js';
import { createTopics, getJson, SECRET, startRealtime, untilReady, type Realtime } from './_util.js';

/** The origin of the page in browsers: a proxy in front of the service, with TLS. */
const PAGE = 'https://live.example';
const COMPLETE = '/sign-in/complete';

describe('signing in with an identity provider', () => {
  let broker: TestBroker;
  let provider: TestProvider;
  let realtime: Realtime;
  let other: Realtime;
  beforeAll(async () => {
    [broker, provider] = await Promise.all([startTestBroker(), startProvider(`${PAGE}/sign-in/callback`)]);
    await createTopics(broker.address);
    [realtime, other] = await Promise.all([
      startRealtime(broker.address, env(provider)),
      startRealtime(broker.address, env(provider)),
    ]);
    const link = await linkToken('Operator');
    for (const each of [realtime, other]) {
      await untilReady(each);
      // Until it is known which sessions were signed out, none is accepted.
      await until(async () => (await sessionOf(await withLink(each, link), each)).status === 200);
    }
  });
  afterEach(() => {
    provider.tampering = {};
    vi.useRealTimers();
  });
  afterAll(async () => {
    await Promise.all([realtime, other, provider].map((each) => each?.[Symbol.asyncDispose]()));
    await broker?.[Symbol.asyncDispose]();
  });

  const env = ({ issuer }: TestProvider) => ({
    AUTH_JWT_SECRET: SECRET,
    AUTH_OIDC_ISSUER: issuer,
    AUTH_OIDC_CLIENT_ID: CLIENT_ID,
    AUTH_OIDC_CLIENT_SECRET: CLIENT_SECRET,
    AUTH_ROLE_CLAIM: 'groups.hailstream',
    REALTIME_PUBLIC_URL: PAGE,
    REALTIME_SESSION_MS: '1h',
  });
  const linkToken = (name: string): Promise<string> =>
    makeToken(SECRET, { scopes: ['read', 'operate'], name, isForSignIn: true }, '10 minutes');
  const newBrowser = (of = realtime): TestBrowser => new TestBrowser({ [PAGE]: of.url });
  /** A browser that a link has signed in. */
  const withLink = async (of: Realtime, token: string): Promise<TestBrowser> => {
    const browser = newBrowser(of);
    const response = await fetch(`${of.url}/session`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
    });
    const [, name = '', value = ''] = /^([^=]+)=([^;]+)/.exec(response.headers.get('set-cookie') ?? '') ?? [];
    browser.cookiesOf(PAGE).set(name, { value, sameSite: 'Strict' });
    return browser;
  };
  const cookieHeader = (browser: TestBrowser): string =>
    [...browser.cookiesOf(PAGE)].map(([name, { value }]) => `${name}=${value}`).join('; ');
  const sessionOf = async (browser: TestBrowser, of = realtime) => {
    const response = await fetch(`${of.url}/session`, { headers: { cookie: cookieHeader(browser) } });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const userOf = async (browser: TestBrowser): Promise<unknown> => (await sessionOf(browser)).body['user'];
  /** Enters the name in the form of the provider, and consents. Stops before the response is evaluated. */
  const authenticate = async (
    browser: TestBrowser,
    login: string,
    path = '/sign-in?return=%2F%3Fview%3Dtable',
    { issuer } = provider,
  ): Promise<void> => {
    let page = await browser.open(PAGE + path, { from: PAGE, until: COMPLETE });
    for (let step = 0; step < 2 && page.url.origin === issuer; step += 1) {
      const [, action = ''] = /action="([^"]+)"/.exec(page.text) ?? [];
      const prompt = page.text.includes('name="login"') ? 'login' : 'consent';
      const form = new URLSearchParams({ prompt, ...(prompt === 'login' && { login, password: 'any' }) });
      page = await browser.open(new URL(action, page.url).href, {
        from: issuer,
        form: form.toString(),
        until: COMPLETE,
      });
    }
    expect([page.url.origin, page.url.pathname]).toEqual([PAGE, '/sign-in/callback']);
  };
  /** Requests what the page of the callback leads to, and returns where that leads. */
  const complete = async (browser: TestBrowser, address = browser.next.href): Promise<string> => {
    const { headers } = await browser.open(address, { from: PAGE, until: '/' });
    return headers.location ?? '';
  };
  const signIn = async (browser: TestBrowser, login: string, path?: string): Promise<string> => {
    await authenticate(browser, login, path);
    return await complete(browser);
  };
  /** Expects that a browser that is signed in fails to sign in as another user, and remains signed in. */
  const expectFailure = async (code: string, login = 'Lou'): Promise<void> => {
    const browser = await withLink(realtime, await linkToken('Operator'));
    const before = cookieHeader(browser);
    expect(await signIn(browser, login)).toBe(`${PAGE}/?view=table#sign-in=${code}`);
    expect(cookieHeader(browser)).toBe(before);
    expect(await userOf(browser)).toMatchObject({ name: 'Operator' });
  };

  it('is offered by the page', async () => {
    expect((await getJson(`${realtime.url}/commands`)).body).toMatchObject({
      signInWith: { name: new URL(provider.issuer).host, url: `${PAGE}/sign-in` },
    });
  });

  it('opens a session with the roles and the provider of the id token', async () => {
    const browser = newBrowser();
    await authenticate(browser, 'Lou');
    const [{ headers: asked }] = browser.visits as [TestBrowser['visits'][number]];
    const { origin, pathname, searchParams } = new URL(asked.location!);
    expect(origin + pathname).toBe(`${provider.issuer}/auth`);
    expect(Object.fromEntries(searchParams)).toEqual({
      client_id: CLIENT_ID,
      redirect_uri: `${PAGE}/sign-in/callback`,
      response_type: 'code',
      scope: 'openid profile',
      state: expect.stringMatching(/^[\w-]{43}$/) as string,
      nonce: expect.stringMatching(/^[\w-]{43}$/) as string,
      code_challenge: expect.stringMatching(/^[\w-]{43}$/) as string,
      code_challenge_method: 'S256',
    });
    expect(asked['set-cookie']).toEqual([
      expect.stringMatching(
        /^__Host-hailstream-\w{8}-sign-in=[\w-]+; Path=\/; Max-Age=600; HttpOnly; SameSite=Lax; Secure$/,
      ),
    ]);
    expect(await complete(browser)).toBe(`${PAGE}/?view=table#sign-in=done`);
    expect(browser.visits.at(-1)!.headers['set-cookie']).toEqual([
      expect.stringMatching(
        /^__Host-hailstream-\w{8}=[\w-]+; Path=\/; Max-Age=3\d{3}; HttpOnly; SameSite=Strict; Secure$/,
      ),
      expect.stringMatching(/^__Host-hailstream-\w{8}-sign-in=; Path=\/; Max-Age=0; /),
    ]);
    const own = browser.visits.filter(({ url }) => url.origin === PAGE);
    expect(
      own.map(({ url, status, headers: { 'cache-control': cache } }) => [url.pathname, status, cache]),
    ).toEqual([
      ['/sign-in', 303, 'no-store'],
      ['/sign-in/callback', 200, 'no-store'],
      [COMPLETE, 303, 'no-store'],
    ]);
    expect(await userOf(browser)).toEqual({ name: 'Lou', providerId: PROVIDER, scopes: ['read'] });
    expect((await fetch(`${realtime.url}/city`, { headers: { cookie: cookieHeader(browser) } })).status).toBe(
      200,
    );
    // And every process accepts it, until the user signs out.
    const headers = { cookie: cookieHeader(browser) };
    expect((await fetch(`${other.url}/city`, { headers })).status).toBe(200);
    expect((await fetch(`${other.url}/session`, { method: 'DELETE', headers })).status).toBe(200);
    await until(async () => (await fetch(`${realtime.url}/city`, { headers })).status === 401);
  });

  it('signs out at the provider as well, which then asks the next user who it is', async () => {
    const browser = newBrowser();
    await signIn(browser, 'Lou');
    const headers = { cookie: cookieHeader(browser) };
    const response = await fetch(`${realtime.url}/session`, { method: 'DELETE', headers });
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect((await fetch(`${realtime.url}/city`, { headers })).status).toBe(401);
    const { url } = (await response.json()) as { url: string };
    const { origin, pathname, searchParams } = new URL(url);
    expect([origin, pathname]).toEqual([provider.issuer, '/session/end']);
    expect(Object.fromEntries(searchParams)).toEqual({
      client_id: CLIENT_ID,
      post_logout_redirect_uri: `${PAGE}/`,
      id_token_hint: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/) as string,
    });
    const page = await browser.open(url, { from: PAGE });
    const [, action = ''] = /action="([^"]+)"/.exec(page.text) ?? [];
    const [, xsrf = ''] = /name="xsrf" value="([^"]+)"/.exec(page.text) ?? [];
    await browser.open(new URL(action, page.url).href, {
      from: provider.issuer,
      form: new URLSearchParams({ xsrf, logout: 'yes' }).toString(),
      until: '/',
    });
    expect(browser.next.href).toBe(`${PAGE}/`);
    const asked = await browser.open(`${PAGE}/sign-in`, { from: PAGE, until: COMPLETE });
    expect([asked.url.origin, asked.text.includes('name="login"')]).toEqual([provider.issuer, true]);
  });

  it('signs out only here with a session of a link, or if the provider does not offer it', async () => {
    const browser = await withLink(realtime, await linkToken('Operator'));
    const ofLink = await fetch(`${realtime.url}/session`, {
      method: 'DELETE',
      headers: { cookie: cookieHeader(browser) },
    });
    expect([ofLink.status, await ofLink.text()]).toEqual([204, '']);
    await using silent = await startProvider(`${PAGE}/sign-in/callback`, { signsOut: false });
    await using lonely = await startRealtime(broker.address, {
      ...env(silent),
    });
    await untilReady(lonely);
    const user = newBrowser(lonely);
    await authenticate(user, 'Lou', undefined, silent);
    await complete(user);
    await until(async () => (await sessionOf(user, lonely)).status === 200);
    const headers = { cookie: cookieHeader(user) };
    expect((await sessionOf(user, lonely)).body['user']).toMatchObject({ name: 'Lou' });
    expect((await fetch(`${lonely.url}/session`, { method: 'DELETE', headers })).status).toBe(204);
  });

  it.each([
    ['Kim', { name: 'Kim', providerId: null, scopes: ['read', 'operate'] }],
    ['Max', { name: 'Max', providerId: OTHER_PROVIDER, scopes: ['read', 'acknowledge'] }],
  ])('maps the claims of %s as those of tokens', async (login, user) => {
    const browser = newBrowser();
    await signIn(browser, login);
    expect(await userOf(browser)).toEqual(user);
  });

  it('is completed by another process than the one that began it', async () => {
    const hosts = { [PAGE]: realtime.url };
    const browser = new TestBrowser(hosts);
    await authenticate(browser, 'Kim');
    hosts[PAGE] = other.url;
    expect(await complete(browser)).toBe(`${PAGE}/?view=table#sign-in=done`);
    expect(await userOf(browser)).toMatchObject({ name: 'Kim' });
  });

  it('replaces the session of another user, which ends', async () => {
    const browser = await withLink(realtime, await linkToken('Operator'));
    const before = cookieHeader(browser);
    expect(await signIn(browser, 'Lou')).toBe(`${PAGE}/?view=table#sign-in=switched`);
    expect(await userOf(browser)).toMatchObject({ name: 'Lou' });
    expect((await fetch(`${realtime.url}/city`, { headers: { cookie: before } })).status).toBe(401);
    expect(await signIn(browser, 'Lou')).toBe(`${PAGE}/?view=table#sign-in=done`);
  });

  it('is refused to users without a role or a provider', async () => {
    for (const login of ['without a provider', 'without a role', 'with a wrong provider']) {
      await expectFailure('not-permitted', login);
    }
  });

  it('ends if the user cancels', async () => {
    const browser = await withLink(realtime, await linkToken('Operator'));
    const page = await browser.open(`${PAGE}/sign-in`, { from: PAGE });
    const [, abort = ''] = /href="([^"]+\/abort)"/.exec(page.text) ?? [];
    await browser.open(new URL(abort, page.url).href, { from: provider.issuer, until: COMPLETE });
    expect(await complete(browser)).toBe(`${PAGE}/#sign-in=refused`);
    expect(await userOf(browser)).toMatchObject({ name: 'Operator' });
  });

  const nowSeconds = (): number => Math.floor(Date.now() / 1_000);
  it.each<[string, Tampering]>([
    ['for another client', { claims: (claims) => ({ ...claims, aud: 'another' }) }],
    [
      'for several clients',
      { claims: (claims) => ({ ...claims, aud: [CLIENT_ID, 'another'], azp: 'another' }) },
    ],
    ['of another sign-in', { claims: (claims) => ({ ...claims, nonce: 'another' }) }],
    ['without a nonce', { claims: ({ nonce: _, ...claims }) => claims }],
    ['of another issuer', { claims: (claims) => ({ ...claims, iss: 'https://evil.example' }) }],
    ['that has expired', { claims: (claims) => ({ ...claims, exp: nowSeconds() - 60 }) }],
    ['that never expires', { claims: ({ exp: _, ...claims }) => claims }],
    ['that is signed with another key', { signsWithOtherKey: true }],
    ['that is not signed', { algorithm: 'none' }],
  ])('refuses an id token %s', async (_, tampering) => {
    provider.tampering = tampering;
    await expectFailure('invalid');
  });

  it.each<[string, Tampering]>([
    ['is down', { isDown: true }],
    ['fails', { answer: { status: 503, body: 'Service Unavailable' } }],
    ['refuses the client', { answer: { status: 401, body: '{"error":"invalid_client"}' } }],
    ['answers with too much', { answer: { status: 200, body: 'x'.repeat(300_000) } }],
  ])('reports that the provider %s', async (_, tampering) => {
    provider.tampering = tampering;
    await expectFailure('unavailable');
  });

  it('reports a provider that cannot be reached, instead of leading nowhere', async () => {
    await using lonely = await startRealtime(broker.address, {
      AUTH_JWT_SECRET: SECRET,
      AUTH_OIDC_ISSUER: 'http://127.0.0.1:1',
      AUTH_OIDC_CLIENT_ID: CLIENT_ID,
      REALTIME_PUBLIC_URL: PAGE,
    });
    const browser = newBrowser(lonely);
    const { headers } = await browser.open(`${PAGE}/sign-in?return=/?view=table`, {
      from: PAGE,
      until: '/',
    });
    expect(headers.location).toBe(`${PAGE}/?view=table#sign-in=unavailable`);
  });

  it('accepts a response only from the browser that began it, and leaves the attempts of others', async () => {
    const [attacker, victim] = [newBrowser(), newBrowser()];
    await authenticate(attacker, 'Max');
    const stolen = attacker.next.href;
    const requests = provider.exchanges;
    expect(await complete(victim, stolen)).toBe(`${PAGE}/#sign-in=expired`);
    await authenticate(victim, 'Kim');
    const own = victim.next.href;
    const forged = new URL(own);
    forged.searchParams.set('state', 'x'.repeat(43));
    const twice = `${own}&state=${new URL(stolen).searchParams.get('state')}`;
    for (const address of [stolen, forged.href, twice, `${PAGE}${COMPLETE}`]) {
      expect(await complete(victim, address)).toBe(`${PAGE}/?view=table#sign-in=expired`);
      expect(await userOf(victim)).toBeNull();
    }
    // Nothing was asked of the provider, and the user can still sign in.
    expect(provider.exchanges).toBe(requests);
    expect(await complete(victim, own)).toBe(`${PAGE}/?view=table#sign-in=done`);
    expect(await userOf(victim)).toMatchObject({ name: 'Kim' });
  });

  it('accepts a code once, in this process and in others', async () => {
    const browser = newBrowser();
    await authenticate(browser, 'Kim');
    const kept = new Map(browser.cookiesOf(PAGE));
    const address = browser.next.href;
    await complete(browser);
    const requests = provider.exchanges;
    for (const [of, asked] of [
      [realtime, 0],
      [other, 1],
    ] as const) {
      const copy = newBrowser(of);
      for (const [name, cookie] of kept) copy.cookiesOf(PAGE).set(name, cookie);
      expect(await complete(copy, address)).toBe(`${PAGE}/?view=table#sign-in=expired`);
      expect(provider.exchanges - requests).toBe(asked);
      expect(await userOf(copy)).toBeNull();
    }
  });

  it('ends after ten minutes', async () => {
    const browser = await withLink(realtime, await linkToken('Operator'));
    await authenticate(browser, 'Kim');
    const requests = provider.exchanges;
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 600_001 });
    expect(await complete(browser)).toBe(`${PAGE}/?view=table#sign-in=expired`);
    expect(provider.exchanges).toBe(requests);
    expect(await userOf(browser)).toMatchObject({ name: 'Operator' });
  });

  it.each(['https://evil.example/', '//evil.example', '/%5Cevil.example', '/.//evil.example', '/sign-in'])(
    'does not lead to %s',
    async (path) => {
      const browser = newBrowser();
      expect(await signIn(browser, 'Kim', `/sign-in?return=${path}`)).toBe(`${PAGE}/#sign-in=done`);
    },
  );

  it('puts nothing into the page of the callback that is not a parameter', async () => {
    const { text, status } = await newBrowser().open(
      `${PAGE}/sign-in/callback?code="><script>alert(1)</script>&state='a'&next=https://evil.example`,
      { from: 'https://evil.example', until: COMPLETE },
    );
    expect(status).toBe(200);
    expect(text).not.toMatch(/<script|evil|'/);
  });
});

it('has no routes without an identity provider', async () => {
  await using broker = await startTestBroker();
  await createTopics(broker.address);
  await using realtime = await startRealtime(broker.address, { AUTH_JWT_SECRET: SECRET });
  for (const path of ['/sign-in', '/sign-in/callback', COMPLETE]) {
    expect((await fetch(realtime.url + path, { redirect: 'manual' })).status).toBe(404);
  }
  expect((await getJson(`${realtime.url}/commands`)).body).toMatchObject({ signInWith: null });
});
