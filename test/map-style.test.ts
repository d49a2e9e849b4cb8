import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchBrowser, PAGE_TIMEOUT_MS, type TestBrowser } from './_browser.js';
import { eventually, System, temporaryHome } from './_system.js';

/** The colour of everything in the styles of this test. */
const PINK = '#ff00ff';
/** Land, in the built-in style of the light theme. */
const LAND = '#e7eaec';

/** One pixel in that colour. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z/AfAAQAAf8iCjrwAAAAAElFTkSuQmCC',
  'base64',
);
/** A layer `land` with one polygon that fills the tile. @see Mapbox Vector Tile 2.1 */
const VECTOR_TILE = Buffer.from(
  '1a1f' + '0a046c616e64' + '1212' + '1803' + '220e' + '0900001a804000008040ff3f000f' + '288020' + '7802',
  'hex',
);

type Answer = (response: ServerResponse, path: string) => void;

/** A server whose answers are replaced by each test. */
async function startServer() {
  const paths: string[] = [];
  let answer: Answer = (response) => response.writeHead(404).end();
  const server = createServer((request, response) => {
    paths.push(request.url ?? '');
    response.setHeader('cache-control', 'no-store');
    answer(response, request.url ?? '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    paths,
    answerWith(next: Answer) {
      paths.length = 0;
      answer = next;
    },
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** For pages of all origins. */
const shared = (body: string | Buffer, type: string): Answer => {
  return (response) => {
    response.writeHead(200, { 'content-type': type, 'access-control-allow-origin': '*' }).end(body);
  };
};
const json = (value: unknown): Answer => shared(JSON.stringify(value), 'application/json');
const image = shared(PNG, 'image/png');

describe('a configured map style', () => {
  let home: { readonly folder: string } & AsyncDisposable;
  let system: System;
  let chromium: TestBrowser;
  let styles: Awaited<ReturnType<typeof startServer>>;
  let tiles: Awaited<ReturnType<typeof startServer>>;
  let unlisted: Awaited<ReturnType<typeof startServer>>;
  let page: Page;
  let blank: Page;
  const problems: string[] = [];

  beforeAll(async () => {
    home = await temporaryHome();
    [styles, tiles, unlisted] = await Promise.all([startServer(), startServer(), startServer()]);
    const env = { MAP_STYLE_URL: `${styles.origin}/style.json`, MAP_STYLE_ORIGINS: tiles.origin };
    [system, chromium] = await Promise.all([
      System.start(home.folder, { args: ['--vehicles', '20'], env }),
      launchBrowser(),
    ]);
    blank = await chromium.browser.newPage();
    page = await chromium.browser.newPage({ viewport: { width: 1000, height: 640 }, colorScheme: 'light' });
    page.setDefaultTimeout(PAGE_TIMEOUT_MS);
    page.on('pageerror', (error) => problems.push(error.message));
    await page.goto((await system.run()).signInUrl);
    await eventually('the page has requested the style', () => styles.paths.length > 0);
  });
  beforeEach(() => {
    tiles.answerWith((response, path) => {
      const tile = path.endsWith('.png') ? image : shared(VECTOR_TILE, 'application/x-protobuf');
      tile(response, path);
    });
    unlisted.answerWith(image);
  });
  afterAll(async () => {
    await chromium?.[Symbol.asyncDispose]();
    await system?.[Symbol.asyncDispose]();
    await Promise.all([styles, tiles, unlisted].map((server) => server?.[Symbol.asyncDispose]()));
    await home[Symbol.asyncDispose]();
  });

  const raster = (origin: string) => ({
    version: 8,
    sources: { all: { type: 'raster', tiles: [`${origin}/{z}/{x}/{y}.png`], tileSize: 256 } },
    layers: [{ id: 'all', type: 'raster', source: 'all' }],
  });
  const vector = (origin: string) => ({
    version: 8,
    sources: { all: { type: 'vector', tiles: [`${origin}/{z}/{x}/{y}.pbf`], maxzoom: 14 } },
    layers: [
      { id: 'land', type: 'fill', source: 'all', 'source-layer': 'land', paint: { 'fill-color': PINK } },
    ],
  });
  const open = async (answer: Answer): Promise<void> => {
    styles.answerWith(answer);
    await page.goto(`${(await system.run()).dashboardUrl}/`);
    await eventually('vehicles are drawn', () =>
      page.evaluate(() => Number(document.documentElement.dataset['vehiclesDrawn']) > 0),
    );
  };
  /** The share of the part of the map that nothing covers which has a colour. */
  const shareOf = async (color: string): Promise<number> => {
    const picture = await page.screenshot({ clip: { x: 420, y: 120, width: 440, height: 400 } });
    return blank.evaluate(
      async ([url, wanted]) => {
        const shot = new Image();
        shot.src = url;
        await shot.decode();
        const canvas = document.createElement('canvas');
        [canvas.width, canvas.height] = [shot.width, shot.height];
        const context = canvas.getContext('2d')!;
        context.drawImage(shot, 0, 0);
        const { data } = context.getImageData(0, 0, shot.width, shot.height);
        const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(wanted.slice(at, at + 2), 16));
        let count = 0;
        for (let at = 0; at < data.length; at += 4) {
          const isNear = (value: number, of: number | undefined) => Math.abs(value - of!) <= 4;
          if (isNear(data[at]!, red) && isNear(data[at + 1]!, green) && isNear(data[at + 2]!, blue)) count++;
        }
        return count / (data.length / 4);
      },
      [`data:image/png;base64,${picture.toString('base64')}`, color] as const,
    );
  };
  /** What the note says about the style, once the built-in map is drawn. */
  const reasonOfBuiltIn = async (): Promise<string | null> => {
    const note = page.getByTestId('style-failure');
    await note.waitFor({ timeout: 30_000 });
    await eventually('the built-in map is drawn', async () => (await shareOf(LAND)) > 0.02);
    expect(await shareOf(PINK)).toBe(0);
    return note.textContent();
  };

  it.each([
    ['raster', raster],
    ['vector', vector],
  ])('of %s tiles is drawn, from the origins that are listed', async (_, style) => {
    await open(json(style(tiles.origin)));
    await eventually('the map has the style', async () => (await shareOf(PINK)) > 0.5);
    expect(await page.getByTestId('style-failure').count()).toBe(0);
    expect(styles.paths).toEqual(['/style.json']);
    expect(tiles.paths.length).toBeGreaterThan(0);
  });

  it('keeps its map when the theme changes', async () => {
    await open(json(vector(tiles.origin)));
    await eventually('the map has the style', async () => (await shareOf(PINK)) > 0.5);
    const theme = () => page.evaluate(() => document.documentElement.dataset['theme']);
    const changeTo = async (wanted: string | undefined) => {
      while ((await theme()) !== wanted) await page.getByRole('button', { name: /^Theme/ }).click();
    };
    await changeTo('dark');
    expect(await shareOf(PINK)).toBeGreaterThan(0.5);
    await changeTo(undefined);
  });

  it.each<[string, Answer, RegExp]>([
    ['its server ends the connection', (response) => response.destroy(), /unreachable/],
    [
      'its server has no such style, and permits requests of pages',
      (response) => response.writeHead(404, { 'access-control-allow-origin': '*' }).end(),
      /status 404/,
    ],
    [
      'its server does not permit requests of pages',
      (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'),
      /does not permit/,
    ],
    ['it is not a style', json({ version: 7 }), /not valid \(version/],
    [
      'its layers are not valid',
      json({ version: 8, sources: {}, layers: [{ id: 'one', type: 'cube' }] }),
      /not valid \(layers\[0\]/,
    ],
  ])('is replaced by the built-in map if %s', async (_, answer, reason) => {
    await open(answer);
    expect(await reasonOfBuiltIn()).toMatch(reason);
  });

  it('is replaced by the built-in map if its tiles do not exist', async () => {
    tiles.answerWith((response) => response.writeHead(404, { 'access-control-allow-origin': '*' }).end());
    await open(json(raster(tiles.origin)));
    expect(await reasonOfBuiltIn()).toMatch(/none of its tiles/);
  });

  it('is replaced by the built-in map if its tiles have an origin that is not listed', async () => {
    await open(json(raster(unlisted.origin)));
    expect(await reasonOfBuiltIn()).toMatch(/none of its tiles/);
    expect(unlisted.paths).toEqual([]);
    await page.getByRole('button', { name: 'Dismiss' }).click();
    await page.getByTestId('style-failure').waitFor({ state: 'detached' });
  });

  it('throws no error in any of these pages', () => {
    expect(problems).toEqual([]);
  });
});
