import { get } from 'node:http';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { City } from '@hailstream/events/live';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { io } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { id, telemetry } from '../src/fold/events.fixture.js';
import { append, createTopics, getJson, startRealtime, untilReady, type Realtime } from './_util.js';

const ASSET = '/assets/index-1a2b3c.js';

let broker: TestBroker;
let folder: string;

beforeAll(async () => {
  broker = await startTestBroker();
  folder = await mkdtemp(join(tmpdir(), 'hailstream-page-'));
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'index.html'), '<!doctype html><title>Hailstream</title>');
  // The compressed files have other contents, to show that they are sent as they are.
  await writeFile(join(folder, ASSET), '/* as built */');
  await writeFile(join(folder, `${ASSET}.br`), brotliCompressSync('/* br */'));
  await writeFile(join(folder, `${ASSET}.gz`), gzipSync('/* gzip */'));
  await writeFile(join(folder, 'assets', 'small-1a2b3c.js'), '/* small */');
});

afterAll(async () => {
  await broker.stop();
  await rm(folder, { recursive: true });
});

const start = (env: Record<string, string> = {}): Promise<Realtime> =>
  startRealtime(broker.address, { REALTIME_PAGE_DIR: folder, ...env });

/** A request with the header `Accept-Encoding`, without which Node's fetch would send its own. */
const fetchEncoded = (url: string, encodings: string, headers: Record<string, string> = {}) =>
  fetch(url, { headers: { 'accept-encoding': encodings, 'cache-control': 'max-age=0', ...headers } });

describe('the page', () => {
  it('is served at / with revalidation and a policy that allows only its own files', async () => {
    await using realtime = await start();
    const response = await fetch(`${realtime.url}/`);
    expect(await response.text()).toContain('Hailstream');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^text\/html/);
    expect(response.headers.get('cache-control')).toBe('no-cache');
    const policy = response.headers.get('content-security-policy');
    expect(policy).toContain("worker-src 'self' blob:");
    expect(policy).toContain("frame-ancestors 'none'");
    const known = response.headers.get('etag') ?? '';
    const again = { 'if-none-match': known, 'cache-control': 'max-age=0' };
    const revalidated = await fetch(`${realtime.url}/`, { headers: again });
    expect(revalidated.status).toBe(304);
    // Browsers replace the headers of the stored response by those of the 304.
    expect([policy, null]).toContain(revalidated.headers.get('content-security-policy'));
  });

  it('may be framed by pages of listed origins, and load what a map style needs', async () => {
    await using realtime = await start({
      REALTIME_FRAME_ANCESTORS: 'https://city.example',
      MAP_STYLE_URL: 'https://style.example/dark.json',
      MAP_STYLE_ORIGINS: 'https://tiles.example',
    });
    const policyOf = async (path: string) =>
      (await fetch(`${realtime.url}${path}`)).headers.get('content-security-policy') ?? '';
    expect(await policyOf('/')).toMatch(/frame-ancestors https:\/\/city\.example$/);
    // Workers have the policy of their own file.
    const sources = "connect-src 'self' https://style.example https://tiles.example;";
    expect(await policyOf(ASSET)).toContain(sources);
  });

  it('has files with unlimited caching, and 404 for paths that do not exist', async () => {
    await using realtime = await start();
    const asset = await fetch(`${realtime.url}${ASSET}`);
    expect(asset.headers.get('cache-control')).toContain('immutable');
    expect(asset.headers.get('content-type')).toMatch(/javascript/);
    for (const path of ['/assets/none.js', '/package.json', '/..%2f..%2fetc%2fpasswd']) {
      const response = await fetch(`${realtime.url}${path}`);
      expect([path, response.status]).toEqual([path, 404]);
      expect(response.headers.get('content-type')).toMatch(/problem\+json/);
    }
  });

  it.each([
    ['br, gzip', 'br', '/* br */'],
    ['gzip, deflate, br, zstd', 'br', '/* br */'],
    ['gzip', 'gzip', '/* gzip */'],
    ['br;q=0, gzip;q=0.5', 'gzip', '/* gzip */'],
    ['*', 'gzip', '/* gzip */'],
    ['deflate', null, '/* as built */'],
    ['identity', null, '/* as built */'],
    ['br;q=0, gzip;q=0', null, '/* as built */'],
  ])('is sent in an encoding that the client accepts: %s', async (accepted, encoding, text) => {
    await using realtime = await start();
    const response = await fetchEncoded(`${realtime.url}${ASSET}`, accepted);
    expect(await response.text()).toBe(text);
    expect(response.headers.get('content-encoding')).toBe(encoding);
    expect(response.headers.get('vary')).toBe('accept-encoding');
    expect(response.headers.get('content-type')).toMatch(/javascript; charset=utf-8$/);
    expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  });

  it('has an entity tag per encoding, and responds 304 only to that one', async () => {
    await using realtime = await start();
    const url = `${realtime.url}${ASSET}`;
    const tagOf = async (encodings: string) => (await fetchEncoded(url, encodings)).headers.get('etag') ?? '';
    const [br, gzip, identity] = [await tagOf('br'), await tagOf('gzip'), await tagOf('identity')];
    expect(new Set([br, gzip, identity]).size).toBe(3);
    const statusOf = async (encodings: string, known: string) =>
      (await fetchEncoded(url, encodings, { 'if-none-match': known })).status;
    expect(await statusOf('br', br)).toBe(304);
    expect(await statusOf('gzip', gzip)).toBe(304);
    expect(await statusOf('identity', identity)).toBe(304);
    expect(await statusOf('br', gzip)).toBe(200);
    expect(await statusOf('identity', `${br}, ${identity}`)).toBe(304);
  });

  it('has files without a compressed copy, which are sent as they are', async () => {
    await using realtime = await start();
    const response = await fetchEncoded(`${realtime.url}/assets/small-1a2b3c.js`, 'br, gzip');
    expect(await response.text()).toBe('/* small */');
    expect(response.headers.get('content-encoding')).toBe(null);
    expect(response.headers.get('vary')).toBe('accept-encoding');
  });

  it('responds with instructions if it is not built', async () => {
    await using realtime = await start({ REALTIME_PAGE_DIR: join(folder, 'nothing') });
    const response = await fetch(`${realtime.url}/`);
    expect(response.status).toBe(503);
    expect(await response.text()).toMatch(/not built.*build/s);
  });
});

describe('GET /city', () => {
  it('returns the configured city, or 304 if the client has it', async () => {
    await using realtime = await start({ MAP_STYLE_URL: 'https://tiles.example/style.json' });
    const url = `${realtime.url}/city`;
    const { body, headers } = await getJson<City>(url);
    expect(body).toMatchObject({ name: 'Monaco', mapStyleUrl: 'https://tiles.example/style.json' });
    expect(headers.get('cache-control')).toBe('private, no-cache');
    const known = headers.get('etag') ?? '';
    expect(known).toMatch(/^W\/"[\w-]{22}"$/);
    for (const tags of [known, known.slice(2), `"other", ${known}`, '*']) {
      const response = await fetchEncoded(url, 'br', { 'if-none-match': tags });
      expect([tags, response.status, await response.text()]).toEqual([tags, 304, '']);
      expect(response.headers.get('etag')).toBe(known);
      expect(response.headers.get('vary')).toBe('accept-encoding');
    }
    expect((await fetchEncoded(url, 'br', { 'if-none-match': '"other"' })).status).toBe(200);
  });

  it.each([
    ['br, gzip', 'br'],
    ['gzip, deflate', 'gzip'],
    ['br;q=0, gzip', 'gzip'],
    ['identity', null],
  ])('is sent in an encoding that the client accepts: %s', async (accepted, encoding) => {
    await using realtime = await start();
    const response = await fetchEncoded(`${realtime.url}/city`, accepted);
    expect(await response.json()).toMatchObject({ name: 'Monaco' });
    expect(response.headers.get('content-encoding')).toBe(encoding);
    expect(response.headers.get('vary')).toBe('accept-encoding');
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
  });
});

describe('GET /vehicles', () => {
  it('is compressed if the client accepts it and the list is long', async () => {
    await createTopics(broker.address);
    await using realtime = await start();
    await untilReady(realtime);
    const url = `${realtime.url}/vehicles`;
    expect((await fetchEncoded(url, 'br, gzip')).headers.get('content-encoding')).toBe(null);
    const timestamp = Date.now();
    await append(
      broker.address,
      Array.from({ length: 50 }, (_, n) => telemetry({ device_id: id(n + 1), timestamp })),
    );
    for (const encoding of ['br', 'gzip']) {
      const response = await until(
        async () => {
          const answer = await fetchEncoded(url, encoding);
          return ((await answer.clone().json()) as { count: number }).count === 50 && answer;
        },
        { what: 'all vehicles' },
      );
      expect(response.headers.get('content-encoding')).toBe(encoding);
      expect(response.headers.get('vary')).toBe('accept-encoding');
    }
    const plain = await fetchEncoded(url, 'identity');
    expect(plain.headers.get('content-encoding')).toBe(null);
    expect(await plain.json()).toMatchObject({ count: 50 });
  });
});

describe('other sites', () => {
  it('cannot open a WebSocket, and the page can', async () => {
    await using realtime = await start({
      REALTIME_ALLOWED_ORIGINS: 'https://map.example:443, http://other.example',
    });
    const open = (origin: string, headers: Record<string, string> = {}): Promise<string> =>
      new Promise((resolve) => {
        const socket = io(realtime.url, {
          transports: ['websocket'],
          extraHeaders: { origin, ...headers },
          forceNew: true,
          reconnection: false,
        });
        const end = (outcome: string) => () => {
          socket.disconnect();
          resolve(outcome);
        };
        socket.on('connect', end('connected')).on('connect_error', end('refused'));
      });
    expect(await open('https://elsewhere.example')).toBe('refused');
    expect(await open(realtime.url)).toBe('connected');
    expect(await open('https://map.example')).toBe('connected');
    expect(await open('https://live.example')).toBe('refused');
    const forwarded = { 'x-forwarded-host': 'Live.Example:443, inner.example:8080' };
    expect(await open('https://live.example', forwarded)).toBe('connected');
  });

  it('read nothing by a host name of their own that resolves to this machine, without authentication', async () => {
    await using realtime = await start();
    const rebound = { host: 'evil.example:4001', origin: 'http://evil.example:4001' };
    const socket = io(realtime.url, {
      transports: ['websocket'],
      extraHeaders: rebound,
      forceNew: true,
      reconnection: false,
    });
    const outcome = await new Promise((resolve) => {
      socket.on('connect', () => resolve('connected')).on('connect_error', () => resolve('refused'));
    });
    socket.disconnect();
    expect(outcome).toBe('refused');
    const statusOf = (path: string, host: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        get(`${realtime.url}${path}`, { headers: { host } }, (response) => {
          response.resume();
          resolve(response.statusCode);
        }).on('error', reject);
      });
    for (const path of [
      '/',
      '/vehicles',
      '/socket.io/?EIO=4&transport=polling',
      '/health/live',
      '/metrics',
    ]) {
      expect([path, await statusOf(path, 'evil.example:4001')]).toEqual([path, 421]);
      expect([path, await statusOf(path, 'localhost:4001')]).not.toEqual([path, 421]);
    }
  });
});
