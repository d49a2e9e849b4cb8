import { request as httpRequest } from 'node:http';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { makeToken } from '@hailstream/service/tokens';
import { io } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OTHER_PROVIDER, PROVIDER, telemetry } from '../src/fold/events.fixture.js';
import {
  append,
  createTopics,
  SECRET,
  startRealtime,
  untilReady,
  type PageSocket,
  type Realtime,
} from './_util.js';

type Headers = Readonly<Record<string, string>>;

/** Requests as a browser with a cookie sends them: fetch() would not send the header `Sec-Fetch-Site`. */
function send(
  url: string,
  method: string,
  headers: Headers = {},
): Promise<{ status: number; body: Record<string, unknown>; setCookie: readonly string[] }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
          setCookie: response.headers['set-cookie'] ?? [],
        }),
      );
    });
    request.on('error', reject).end();
  });
}

const link = (claims: Partial<Parameters<typeof makeToken>[1]> = {}): Promise<string> =>
  makeToken(SECRET, { scopes: ['read'], name: 'Kim', isForSignIn: true, ...claims }, '10 minutes');

describe('sessions of browsers', () => {
  let broker: TestBroker;
  let realtime: Realtime;
  let other: Realtime;
  beforeAll(async () => {
    broker = await startTestBroker();
    await createTopics(broker.address);
    await append(broker.address, [telemetry({ timestamp: Date.now() })]);
    const env = { AUTH_JWT_SECRET: SECRET, REALTIME_SESSION_MS: '1h' };
    [realtime, other] = await Promise.all([
      startRealtime(broker.address, env),
      startRealtime(broker.address, env),
    ]);
    for (const each of [realtime, other]) {
      await untilReady(each);
      await until(
        async () => (await send(`${each.url}/session`, 'GET', { cookie: await sealed() })).status === 200,
      );
    }
  });
  afterAll(async () => {
    await Promise.all([realtime, other].map((each) => each?.[Symbol.asyncDispose]()));
    await broker?.[Symbol.asyncDispose]();
  });

  /** Any cookie of this system: until it is known what was signed out, it is answered with 503. */
  const sealed = async (): Promise<string> => {
    for (;;) {
      const { status, setCookie } = await send(`${realtime.url}/session`, 'POST', {
        authorization: `Bearer ${await link()}`,
      });
      if (status === 200) return setCookie[0]!.split(';')[0]!;
    }
  };
  const signIn = (token: string, cookie?: string, query = '') =>
    send(`${realtime.url}/session${query}`, 'POST', {
      authorization: `Bearer ${token}`,
      ...(cookie !== undefined && { cookie }),
    });
  /** Signs in, and returns the cookie. */
  const open = async (token: string): Promise<string> => {
    const { status, setCookie } = await signIn(token);
    expect(status).toBe(200);
    return setCookie[0]!.split(';')[0]!;
  };
  const status = async (path: string, headers: Headers, of = realtime): Promise<number> =>
    (await send(`${of.url}${path}`, 'GET', headers)).status;
  const connect = (headers: Headers, of = realtime): PageSocket & Disposable => {
    const socket: PageSocket = io(of.url, {
      transports: ['websocket'],
      extraHeaders: headers,
      forceNew: true,
      reconnection: false,
    });
    return Object.assign(socket, { [Symbol.dispose]: () => void socket.disconnect() });
  };

  it('are opened with the token of a link, and are a cookie that scripts cannot read', async () => {
    const { status: answer, body, setCookie } = await signIn(await link({ scopes: ['read', 'operate'] }));
    expect(answer).toBe(200);
    expect(body).toMatchObject({
      isRequired: true,
      user: { name: 'Kim', providerId: null, scopes: ['read', 'operate'] },
    });
    // A session lasts longer than its link.
    expect(Number(body['expiresAt']) - Date.now()).toBeGreaterThan(3_500_000);
    expect(setCookie).toEqual([
      expect.stringMatching(
        /^hailstream-[0-9a-f]{8}=[\w-]+; Path=\/; Max-Age=3\d{3}; HttpOnly; SameSite=Strict$/,
      ),
    ]);
    const forwarded = { 'x-forwarded-proto': 'https', authorization: `Bearer ${await link()}` };
    const secure = await send(`${realtime.url}/session`, 'POST', forwarded);
    expect(secure.setCookie).toEqual([expect.stringMatching(/^__Host-hailstream-.*; Secure$/)]);
  });

  it('are accepted by every process, for requests and for sockets, and are limited as their token', async () => {
    const cookie = await open(await link({ providerId: OTHER_PROVIDER }));
    for (const of of [realtime, other]) {
      expect(await status('/city', { cookie }, of)).toBe(200);
      expect((await send(`${of.url}/vehicles`, 'GET', { cookie })).body).toMatchObject({ count: 0 });
      using socket = connect({ cookie }, of);
      await new Promise<void>((resolve) => socket.once('connect', resolve));
    }
    expect(await status('/city', {})).toBe(401);
    expect(await status('/city', { cookie: `${cookie}x` })).toBe(401);
    // A token takes precedence, also if it is not valid.
    expect(await status('/city', { cookie, authorization: 'Bearer x' })).toBe(401);
  });

  it('end in all processes when the user signs out, also for sockets that are open', async () => {
    const cookie = await open(await link());
    const kept = await open(await link());
    using here = connect({ cookie });
    using there = connect({ cookie }, other);
    using unaffected = connect({ cookie: kept }, other);
    const all = [here, there, unaffected];
    await Promise.all(all.map((socket) => new Promise<void>((resolve) => socket.once('connect', resolve))));
    const closed = [here, there].map(
      (socket) => new Promise<string>((resolve) => socket.once('disconnect', resolve)),
    );
    const signedOut = await send(`${realtime.url}/session`, 'DELETE', { cookie });
    expect(signedOut.status).toBe(204);
    expect(signedOut.setCookie).toEqual([
      expect.stringMatching(/^hailstream-[0-9a-f]{8}=; Path=\/; Max-Age=0;/),
    ]);
    // A copy of the cookie is refused, too.
    expect(await status('/city', { cookie })).toBe(401);
    expect(await Promise.all(closed)).toEqual(['io server disconnect', 'io server disconnect']);
    expect(await status('/city', { cookie }, other)).toBe(401);
    expect(unaffected.connected).toBe(true);
    // And not after a restart.
    await using restarted = await startRealtime(broker.address, { AUTH_JWT_SECRET: SECRET });
    await untilReady(restarted);
    await until(async () => (await status('/city', { cookie: kept }, restarted)) === 200);
    expect(await status('/city', { cookie }, restarted)).toBe(401);
  });

  it('end with the token that they were opened with, but not with a link, which expires by itself', async () => {
    const token = await makeToken(SECRET, { scopes: ['read'], name: 'Lou' }, '30 minutes');
    const authorization = `Bearer ${token}`;
    const [one, two] = [await open(token), await open(token)];
    const { body } = await send(`${realtime.url}/session`, 'GET', { cookie: one });
    expect(Number(body['expiresAt']) - Date.now()).toBeLessThanOrEqual(1_800_000);
    expect(await status('/city', { authorization }, other)).toBe(200);
    await send(`${realtime.url}/session`, 'DELETE', { cookie: one });
    for (const headers of [{ authorization }, { cookie: one }, { cookie: two }]) {
      expect(await status('/city', headers)).toBe(401);
      await until(async () => (await status('/city', headers, other)) === 401);
    }
    expect((await signIn(token)).status).toBe(401);
    // Other texts of the same signature.
    const signatureOf = (text: string): string =>
      Buffer.from(text.slice(text.lastIndexOf('.') + 1), 'base64url').toString('hex');
    // Two bits of the last character are not used.
    const others = Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')
      .map((character) => token.slice(0, -1) + character)
      .filter((text) => text !== token && signatureOf(text) === signatureOf(token));
    expect(others).toHaveLength(3);
    for (const text of [`${token}=`, ...others]) {
      for (const of of [realtime, other])
        expect(await status('/city', { authorization: `Bearer ${text}` }, of)).toBe(401);
    }
    const ofLink = await link();
    const cookie = await open(ofLink);
    await send(`${realtime.url}/session`, 'DELETE', { cookie });
    expect((await signIn(ofLink)).status).toBe(200);
  });

  it('are not replaced by a link that is not valid, nor without a question by one of another user', async () => {
    const cookie = await open(await link());
    for (const token of [
      'garbage',
      await makeToken(SECRET, { scopes: ['read'], isForSignIn: true }, '-1 minute'),
    ]) {
      expect(await signIn(token, cookie)).toMatchObject({ status: 401, setCookie: [] });
    }
    expect(await signIn(await link(), cookie)).toMatchObject({ status: 200, setCookie: [] });
    const attack = await link({ name: 'Mallory', providerId: PROVIDER });
    expect(await signIn(attack, cookie)).toMatchObject({
      status: 409,
      setCookie: [],
      body: {
        current: { name: 'Kim', providerId: null },
        offered: { name: 'Mallory', providerId: PROVIDER },
      },
    });
    expect(await status('/city', { cookie })).toBe(200);
    const switched = await signIn(attack, cookie, '?replace=true');
    expect(switched).toMatchObject({ status: 200, body: { user: { name: 'Mallory' } } });
    // The session before does not remain behind.
    expect(await status('/city', { cookie })).toBe(401);
  });

  it('change nothing for pages of other origins', async () => {
    const cookie = await open(await link());
    for (const headers of [
      { origin: 'https://elsewhere.example' },
      { origin: 'http://127.0.0.1:1' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ]) {
      const all = { ...headers, cookie } as Headers;
      for (const method of ['POST', 'DELETE']) {
        expect([headers, method, (await send(`${realtime.url}/session`, method, all)).status]).toEqual([
          headers,
          method,
          403,
        ]);
      }
    }
    expect(await status('/city', { cookie })).toBe(200);
    using foreign = connect({ cookie, origin: 'https://elsewhere.example' });
    const refused = new Promise<Error>((resolve) => foreign.once('connect_error', resolve));
    expect(await refused).toBeInstanceOf(Error);
    const own = { cookie, origin: realtime.url, 'sec-fetch-site': 'same-origin' };
    expect((await send(`${realtime.url}/session`, 'DELETE', own)).status).toBe(204);
  });

  it('require the scope read, and are limited in number for each token', async () => {
    const writer = await makeToken(SECRET, { scopes: ['write'], providerId: PROVIDER }, '1h');
    expect((await signIn(writer)).status).toBe(401);
    const token = await link({ name: 'Noa' });
    const statuses: number[] = [];
    for (let count = 0; count < 51; count += 1) statuses.push((await signIn(token)).status);
    expect([statuses.slice(0, 50).every((each) => each === 200), statuses[50]]).toEqual([true, 429]);
  });
});

it('no session is needed without authentication', async () => {
  await using broker = await startTestBroker();
  await createTopics(broker.address);
  await using realtime = await startRealtime(broker.address);
  for (const method of ['GET', 'POST']) {
    expect(await send(`${realtime.url}/session`, method)).toEqual({
      status: 200,
      body: { isRequired: false, user: null, expiresAt: null },
      setCookie: [],
    });
  }
});
