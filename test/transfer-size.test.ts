import { readdir, stat } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser } from './_browser.js';
import { System, temporaryHome } from './_system.js';

const dist = fileURLToPath(new URL('../apps/dashboard/dist', import.meta.url));

/** What the page may transfer on the first visit: 16 seconds at 400 kbit/s. */
const MAX_COLD_BYTES = 800_000;
/** Smaller files are not worth compressing, and are smaller than their headers. */
const MIN_COMPRESSED_BYTES = 1_024;

interface Transfer {
  readonly path: string;
  readonly encoding: string | undefined;
  /** As transferred. */
  readonly bodyBytes: number;
}

describe('the first visit', () => {
  let home: AsyncDisposable & { readonly folder: string };
  let system: System;
  beforeAll(async () => {
    home = await temporaryHome();
    system = await System.start(home.folder, { args: ['--no-sim'] });
  });
  afterAll(async () => {
    await system?.[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  });

  async function transfer(path: string, encodings: string): Promise<Transfer> {
    const { dashboardUrl } = await system.run();
    const authorization = `Bearer ${await system.token('read')}`;
    return new Promise((resolve, reject) => {
      const headers = { 'accept-encoding': encodings, authorization };
      get(`${dashboardUrl}${path}`, { headers }, (response) => {
        let bodyBytes = 0;
        response.on('data', (chunk: Buffer) => (bodyBytes += chunk.length));
        response.on('end', () =>
          resolve({ path, encoding: response.headers['content-encoding'], bodyBytes }),
        );
      }).on('error', reject);
    });
  }

  /** The files of the built page that are larger than {@link MIN_COMPRESSED_BYTES}, and the data that it requests first. */
  async function paths(): Promise<string[]> {
    const names = (await readdir(dist, { recursive: true })).filter((name) => /\.(js|css)$/.test(name));
    const files = await Promise.all(
      names.map(async (name) => ({ name, sizeBytes: (await stat(join(dist, name))).size })),
    );
    const large = files.filter(({ sizeBytes }) => sizeBytes > MIN_COMPRESSED_BYTES);
    return [...large.map(({ name }) => `/${name}`), '/city'];
  }

  it.each([
    ['br, gzip', 'br'],
    ['gzip', 'gzip'],
  ])(
    'transfers every large file, and the city, compressed if the browser accepts %s',
    async (accepted, encoding) => {
      for (const path of await paths()) {
        expect(await transfer(path, accepted)).toMatchObject({ path, encoding });
      }
      expect(await transfer('/', accepted)).toMatchObject({
        path: '/',
        encoding: expect.stringMatching(encoding),
      });
    },
  );

  it.each(['en', 'ko'])(`transfers at most ${MAX_COLD_BYTES} bytes to a browser in %s`, async (locale) => {
    await using chromium = await launchBrowser();
    const context = await chromium.browser.newContext({ locale });
    const page = await context.newPage();
    const transfers: Promise<readonly [path: string, bodyBytes: number]>[] = [];
    page.on('requestfinished', (request) => {
      const { pathname } = new URL(request.url());
      transfers.push(request.sizes().then(({ responseBodySize }) => [pathname, responseBodySize] as const));
    });
    await page.goto((await system.run()).signInUrl);
    await page.locator('[data-testid=map][data-ready=true]').waitFor({ state: 'attached' });
    await page.waitForLoadState('networkidle');
    expect(await page.getAttribute('html', 'lang')).toBe(locale);
    const transferred = await Promise.all(transfers);
    const requested = transferred.map(([path]) => path);
    expect(requested).toEqual(expect.arrayContaining(['/', '/city']));
    expect(requested.some((path) => path.includes('worker'))).toBe(true);
    expect(requested.some((path) => /[/]ko-[^/]*[.]js$/.test(path))).toBe(locale === 'ko');
    const total = transferred.reduce((sum, [, bodyBytes]) => sum + bodyBytes, 0);
    expect(total).toBeLessThan(MAX_COLD_BYTES);
  });
});
