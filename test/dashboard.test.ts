import { deadLetterTopic } from '@hailstream/events';
import { createDeadLetterQueue } from '@hailstream/log';
import { createLogger } from '@hailstream/service/logging';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser, type TestBrowser } from './_browser.js';
import { type Mark, marks } from './_marks.js';
import { eventually, System, temporaryHome } from './_system.js';

const silent = createLogger({ name: 'test', level: 'silent' });

/** The part of the map that no bar, panel, card or timeline covers. */
const CLEAR = { left: 420, right: 860, top: 120, bottom: 620 } as const;
/** Marks closer than this are ambiguous for a click. */
const APART_PIXELS = 30;

describe('the dashboard in a browser', () => {
  let home: { readonly folder: string } & AsyncDisposable;
  let system: System;
  let chromium: TestBrowser;
  let page: Page;
  const problems: string[] = [];

  beforeAll(async () => {
    home = await temporaryHome();
    [system, chromium] = await Promise.all([System.start(home.folder), launchBrowser()]);
    page = await chromium.browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: 'light' });
    page.on('pageerror', (error) => problems.push(error.message));
    await page.goto((await system.run()).signInUrl);
  });
  afterAll(async () => {
    await chromium?.[Symbol.asyncDispose]();
    await system?.[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  });

  const dataOf = (name: string): Promise<string | undefined> =>
    page.evaluate((key) => document.documentElement.dataset[key], name);
  const connection = (): Promise<string | null> =>
    page.getByTestId('connection-state').getAttribute('data-state');

  it('signs in with the link, and removes the token from the address', async () => {
    await eventually('it is connected', async () => (await connection()) === 'connected');
    expect(new URL(page.url()).hash).toBe('');
  });

  it('draws the vehicles, and they move', async () => {
    await eventually('200 vehicles are drawn', async () => Number(await dataOf('vehiclesDrawn')) >= 200);
    await zoomUntilMarks(page);
    const before = new Map((await marks(page)).map((mark) => [mark.deviceId, mark]));
    await eventually('a third of the vehicles has moved', async () => {
      const now = (await marks(page)).filter(({ deviceId }) => before.has(deviceId));
      const moved = now.filter(({ deviceId, lng, lat }) => {
        const old = before.get(deviceId);
        return old !== undefined && (old.lng !== lng || old.lat !== lat);
      });
      return moved.length > 0 && moved.length >= now.length / 3;
    });
    // The attributes alone would not detect an empty canvas, so the picture is compared.
    const clip = {
      x: CLEAR.left,
      y: CLEAR.top,
      width: CLEAR.right - CLEAR.left,
      height: CLEAR.bottom - CLEAR.top,
    };
    const picture = await page.screenshot({ clip });
    await eventually('the picture has changed', async () => !picture.equals(await page.screenshot({ clip })));
  });

  it('receives its scripts and styles compressed', async () => {
    const files = await page.evaluate(() =>
      performance
        .getEntriesByType('resource')
        .filter((entry) => entry instanceof PerformanceResourceTiming)
        .filter(({ name, decodedBodySize }) => /\.(js|css)$/.test(name) && decodedBodySize > 10_000)
        .map(({ name, encodedBodySize, decodedBodySize }) => ({ name, encodedBodySize, decodedBodySize })),
    );
    expect(files.length).toBeGreaterThan(5);
    expect(
      files.filter(({ encodedBodySize, decodedBodySize }) => encodedBodySize > decodedBodySize / 2),
    ).toEqual([]);
  });

  it('shows the figures of the city', async () => {
    const figure = async (name: string): Promise<number> =>
      Number((await page.getByTestId(name).textContent())?.replaceAll(/\D/g, ''));
    await eventually('all vehicles are counted', async () => (await figure('vehicles-total')) >= 200);
    await eventually('events arrive', async () => (await figure('events-per-second')) > 0);
    expect(await page.getByTestId('freshness').textContent()).toMatch(/newest event .+ ago/);
  });

  it('opens the card of a clicked vehicle, and closes it with Escape', async () => {
    const clicked = await eventually('a vehicle stands alone', async () => {
      const [target] = standingAlone(await marks(page));
      if (target === undefined) {
        await page.mouse.move(640, 400);
        await page.mouse.wheel(0, -100);
        return false;
      }
      await page.mouse.click(target.x, target.y);
      await page.getByTestId('vehicle-card').waitFor({ timeout: 2_000 });
      return target;
    });
    const card = page.getByTestId('vehicle-card');
    expect(await card.textContent()).toContain(clicked.deviceId);
    await eventually('the card has its details', async () => /km\/h/.test((await card.textContent()) ?? ''));
    await page.keyboard.press('Escape');
    await card.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Show the whole city' }).click();
  });

  it('shows the same vehicles in a table', async () => {
    await page.keyboard.press('t');
    const table = page.getByTestId('vehicle-table');
    await table.waitFor();
    // The last vehicles of the simulation may still be on their way here.
    await eventually(
      'the table has the fleet',
      async () => Number(await table.getAttribute('aria-rowcount')) > 200,
    );
    await page.keyboard.press('t');
    await table.waitFor({ state: 'detached' });
  });

  it('lists the dead letters by reason, and shows one with its record', async () => {
    const connection = await system.log();
    await using queue = createDeadLetterQueue({ connection, logger: silent, topic: deadLetterTopic.name });
    const letter = (offset: bigint, groupId: string, reason: Error) => ({
      kind: 'record' as const,
      topic: 'ride.telemetry',
      partition: 0,
      record: {
        offset,
        key: Buffer.from('vehicle'),
        value: Buffer.from(`record ${offset}`),
        headers: {},
        timestampMs: 1,
      },
      attempts: 1,
      groupId,
      reason,
    });
    await queue.write([
      letter(1n, 'router-search', new Error('field 1 is invalid')),
      letter(2n, 'router-search', new Error('field 2 is invalid')),
      letter(3n, 'router-hook', new Error('status 422')),
    ]);
    await page.keyboard.press('d');
    const groups = page.getByTestId('dead-letter-groups').getByRole('button');
    const rows = page.getByTestId('dead-letter-list').getByRole('button');
    await eventually('both groups are listed', async () => (await groups.count()) === 2);
    expect(new URL(page.url()).search).toContain('view=dead-letters');
    await groups.filter({ hasText: 'router-search' }).click();
    await eventually('the list has the group', async () => (await rows.count()) === 2);
    await rows.filter({ hasText: 'offset 2' }).click();
    const card = page.getByTestId('dead-letter-card');
    await card.getByText('record 2', { exact: true }).waitFor();
    expect(await card.textContent()).toContain('field 2 is invalid');
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.keyboard.press('Escape');
    await card.waitFor({ state: 'detached' });
    await page.getByRole('searchbox', { name: 'Reason contains' }).fill('422');
    await eventually('the reasons are filtered', async () => (await rows.count()) === 1);
    await page.getByRole('button', { name: 'Dead letters' }).click();
    await page.getByTestId('dead-letters-total').waitFor({ state: 'detached' });
    await eventually('the map is live', async () => (await dataOf('live')) === 'true');
  });

  it('applies the chosen theme, also after a reload', async () => {
    const background = (): Promise<string> =>
      page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await background();
    const button = page.getByRole('button', { name: /^Theme:/ });
    await eventually('dark is chosen', async () => {
      if ((await dataOf('theme')) === 'dark') return true;
      await button.click();
      return false;
    });
    await eventually('it is painted', async () => (await background()) !== light);
    const dark = await background();
    await page.reload();
    expect(await dataOf('theme')).toBe('dark');
    expect(await background()).toBe(dark);
    await eventually('still signed in', async () => (await connection()) === 'connected');
  });

  it.each(['roads', 'vehicles', 'both'] as const)(
    'draws the map again after the browser discarded a WebGL context (%s), and is not live meanwhile',
    async (what) => {
      await page.goto('about:blank');
      const own = await chromium.browser.newPage({ viewport: { width: 1000, height: 700 } });
      own.on('pageerror', (error) => problems.push(error.message));
      await own.addInitScript(keepPictures);
      await own.goto((await system.run()).signInUrl);
      const isLive = async () =>
        (await own.evaluate(() => document.documentElement.dataset['live'])) === 'true';
      const isPainted = async () => {
        const painted = await own.evaluate(paintedPixels);
        return painted.length === 2 && painted.every((pixels) => pixels > 1_000);
      };
      await eventually('roads and vehicles are painted', async () => (await isLive()) && (await isPainted()));
      for (let loss = 1; loss <= 2; loss += 1) {
        await own.evaluate(watchLiveness);
        await own.evaluate(loseContexts, what);
        await eventually('they are painted again', async () => (await isLive()) && (await isPainted()));
        expect(await own.evaluate(() => (globalThis as unknown as Lookout).wasLive)).toEqual([false, true]);
      }
      await own.close();
    },
  );

  it('shows the table if the map cannot be drawn, and the map once it can', async () => {
    const own = await chromium.browser.newPage({ viewport: { width: 1000, height: 700 } });
    await own.addInitScript(keepPictures);
    await own.addInitScript(() => ((globalThis as unknown as Lookout).denies = true));
    await own.goto((await system.run()).signInUrl);
    const table = own.getByTestId('vehicle-table');
    await table.waitFor();
    await eventually(
      'it has the vehicles',
      async () => Number(await table.getAttribute('aria-rowcount')) > 200,
    );
    await own.evaluate(() => ((globalThis as unknown as Lookout).denies = false));
    await own.getByRole('button', { name: 'Retry the map' }).click();
    await eventually('the map is painted', async () => {
      const painted = await own.evaluate(paintedPixels);
      return painted.length === 2 && painted.every((pixels) => pixels > 1_000);
    });
    await own.close();
    await page.goto((await system.run()).signInUrl);
  });

  it('reconnects after the service was restarted, and is live only then', async () => {
    await eventually('vehicles are drawn', async () => Number(await dataOf('vehiclesDrawn')) >= 200);
    await eventually('it is live', async () => (await dataOf('live')) === 'true');
    const reconnecting = eventually(
      'it is reconnecting',
      async () => (await connection()) === 'reconnecting',
    );
    await Promise.all([reconnecting, system.kill('realtime')]);
    await eventually('it is connected again', async () => (await connection()) === 'connected');
    await eventually('it is live again', async () => (await dataOf('live')) === 'true');
    await eventually('vehicles are drawn again', async () => Number(await dataOf('vehiclesDrawn')) >= 200);
  });

  it('explains how to sign in without a token or with an invalid one', async () => {
    const { dashboardUrl } = await system.run();
    // Software rendering of one page at a time.
    await page.goto('about:blank');
    const context = await chromium.browser.newContext();
    const stranger = await context.newPage();
    await stranger.goto(dashboardUrl);
    const shown = stranger.getByTestId('signed-out').locator('pre');
    await eventually('a command is shown', async () =>
      (await shown.textContent())?.includes('--link --home '),
    );
    const forger = await context.newPage();
    await forger.goto(`${dashboardUrl}/#token=forged`);
    const notice = forger.getByTestId('signed-out');
    await eventually('the notice is shown', async () => (await notice.textContent())?.includes('not valid'));
    await context.close();
  });

  it('keeps no token, asks before a link switches the user, and signs out all tabs', async () => {
    await page.goto('about:blank');
    const { dashboardUrl, signInUrl } = await system.run();
    const table = `${dashboardUrl}/?view=table`;
    const { hash } = new URL(signInUrl);
    const context = await chromium.browser.newContext();
    const tabs = [await context.newPage(), await context.newPage()];
    const [tab, other] = [tabs[0]!, tabs[1]!];
    const isConnected = (of: Page) =>
      eventually(
        'it is connected',
        async () => (await of.getByTestId('connection-state').getAttribute('data-state')) === 'connected',
      );
    await tab.goto(table + hash);
    await isConnected(tab);
    const readable = await tab.evaluate(() =>
      [JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.cookie, location.href].join(
        ' ',
      ),
    );
    expect(readable).not.toContain(hash.slice(-20));
    expect(await tab.evaluate(() => document.cookie)).toBe('');
    expect(await context.cookies()).toMatchObject([{ httpOnly: true, sameSite: 'Strict', path: '/' }]);

    await other.goto(`${table}#token=forged`);
    await other.getByTestId('invalid-link').waitFor();
    await isConnected(other);
    const { stdout } = await system.command([
      ...['token', '--scope', 'read', '--name', 'Mallory'],
      ...['--provider', '0197a1c0-6d1f-7000-8000-0000000000bb', '--link'],
    ]);
    await other.goto('about:blank');
    await other.goto(table + new URL(stdout.trim()).hash);
    const question = other.getByTestId('switch-user');
    await question.waitFor();
    expect(await question.textContent()).toMatch(/operator.*Mallory/);
    await question.getByRole('button', { name: 'Stay signed in' }).click();
    await question.waitFor({ state: 'detached' });
    await other.getByRole('button', { name: 'Sign out' }).click();
    for (const signedOut of tabs) await signedOut.getByTestId('signed-out').waitFor();
    await other.goto('about:blank');
    await other.goto(table + hash);
    for (const signedIn of tabs) await isConnected(signedIn);
    await context.close();
  });

  it('has thrown no error in any test', () => {
    expect(problems).toEqual([]);
  });
});

/** State of the tests of lost contexts, kept in the page. */
interface Lookout {
  contexts: { readonly gl: WebGL2RenderingContext; readonly canvas: HTMLCanvasElement }[];
  /** Whether WebGL is unavailable. */
  denies?: boolean;
  /** Values of the page's `live` attribute since the watch began, without repeats. */
  wasLive: boolean[];
}

/** Runs in the page before its own scripts, so that painted pixels can be read. */
function keepPictures(): void {
  const lookout = globalThis as unknown as Lookout;
  lookout.contexts = [];
  const prototype = HTMLCanvasElement.prototype as {
    getContext: (kind: string, options?: object) => unknown;
  };
  const real = prototype.getContext;
  prototype.getContext = function (this: HTMLCanvasElement, kind: string, options?: object) {
    if (!kind.startsWith('webgl')) return real.call(this, kind, options);
    if (lookout.denies === true) return null;
    const gl = real.call(this, kind, {
      ...options,
      preserveDrawingBuffer: true,
    }) as WebGL2RenderingContext | null;
    if (gl !== null && lookout.contexts.every((known) => known.gl !== gl)) {
      lookout.contexts.push({ gl, canvas: this });
    }
    return gl;
  };
}

/** Number of pixels of each canvas that differ from its first pixel; 0 for a lost context. */
function paintedPixels(): number[] {
  const onPage = (globalThis as unknown as Lookout).contexts.filter(({ canvas }) => canvas.isConnected);
  return onPage.map(({ gl }) => {
    if (gl.isContextLost()) return 0;
    const pixels = new Uint8Array(gl.drawingBufferWidth * gl.drawingBufferHeight * 4);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.readPixels(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
    const colors = new Uint32Array(pixels.buffer);
    return colors.reduce((sum, color) => sum + Number(color !== colors[0]), 0);
  });
}

/** Loses the contexts without restoring them, as a browser does that resets its graphics. */
function loseContexts(what: 'roads' | 'vehicles' | 'both'): void {
  for (const { gl, canvas } of (globalThis as unknown as Lookout).contexts) {
    const isOfRoads = canvas.className.includes('maplibre');
    if (!canvas.isConnected || (what !== 'both' && isOfRoads !== (what === 'roads'))) continue;
    gl.getExtension('WEBGL_lose_context')?.loseContext();
  }
}

function watchLiveness(): void {
  const lookout = globalThis as unknown as Lookout;
  lookout.wasLive = [];
  const root = document.documentElement;
  new MutationObserver(() => {
    const isLive = root.dataset['live'] === 'true';
    if (lookout.wasLive.at(-1) !== isLive) lookout.wasLive.push(isLive);
  }).observe(root, { attributeFilter: ['data-live'] });
}

/** A mark represents a single vehicle only if marks do not overlap. */
async function zoomUntilMarks(page: Page): Promise<void> {
  await page.mouse.move(640, 400);
  await eventually('single vehicles are drawn', async () => {
    if ((await page.evaluate(() => document.documentElement.dataset['mapMode'])) === 'marks') return true;
    await page.mouse.wheel(0, -200);
    return false;
  });
}

function standingAlone(all: readonly Mark[]): readonly Mark[] {
  const near = (a: Mark, b: Mark): boolean => Math.hypot(a.x - b.x, a.y - b.y) < APART_PIXELS;
  return all.filter(
    (mark) =>
      mark.x > CLEAR.left &&
      mark.x < CLEAR.right &&
      mark.y > CLEAR.top &&
      mark.y < CLEAR.bottom &&
      all.every((other) => other === mark || !near(mark, other)),
  );
}
