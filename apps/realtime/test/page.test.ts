import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { City } from '@hailstream/events/live';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { io } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getJson, startRealtime, type Realtime } from './_util.js';

let broker: TestBroker;
let folder: string;

beforeAll(async () => {
  broker = await startTestBroker();
  folder = await mkdtemp(join(tmpdir(), 'hailstream-page-'));
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'index.html'), '<!doctype html><title>Hailstream</title>');
  await writeFile(join(folder, 'assets', 'index-1a2b3c.js'), 'export {};');
});

afterAll(async () => {
  await broker.stop();
  await rm(folder, { recursive: true });
});

const start = (env: Record<string, string> = {}): Promise<Realtime> =>
  startRealtime(broker.address, { REALTIME_PAGE_DIR: folder, ...env });

describe('the page', () => {
  it('is served at / with revalidation and a policy that allows only its own files', async () => {
    await using realtime = await start();
    const response = await fetch(`${realtime.url}/`);
    expect(await response.text()).toContain('Hailstream');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^text\/html/);
    expect(response.headers.get('cache-control')).toBe('no-cache');
    expect(response.headers.get('content-security-policy')).toContain("worker-src 'self' blob:");
    const known = response.headers.get('etag') ?? '';
    const again = { 'if-none-match': known, 'cache-control': 'max-age=0' };
    expect((await fetch(`${realtime.url}/`, { headers: again })).status).toBe(304);
  });

  it('has files with unlimited caching, and 404 for paths that do not exist', async () => {
    await using realtime = await start();
    const asset = await fetch(`${realtime.url}/assets/index-1a2b3c.js`);
    expect(asset.headers.get('cache-control')).toContain('immutable');
    expect(asset.headers.get('content-type')).toMatch(/javascript/);
    for (const path of ['/assets/none.js', '/package.json', '/..%2f..%2fetc%2fpasswd']) {
      const response = await fetch(`${realtime.url}${path}`);
      expect([path, response.status]).toEqual([path, 404]);
      expect(response.headers.get('content-type')).toMatch(/problem\+json/);
    }
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
    const { body, headers } = await getJson<City>(`${realtime.url}/city`);
    expect(body).toMatchObject({ name: 'Monaco', mapStyleUrl: 'https://tiles.example/style.json' });
    expect(headers.get('content-encoding')).toBe('gzip');
    const known = headers.get('etag') ?? '';
    expect((await fetch(`${realtime.url}/city`, { headers: { 'if-none-match': known } })).status).toBe(304);
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
});
