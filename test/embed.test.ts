import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Frame, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { violations } from './_axe.js';
import { launchBrowser, PAGE_TIMEOUT_MS, type TestBrowser } from './_browser.js';
import { eventually, System, temporaryHome } from './_system.js';

/** A site whose pages have a frame; `?` of their address is followed by what the frame shows. */
async function startSite(): Promise<{ readonly origin: string } & AsyncDisposable> {
  const server = createServer((request, response) => {
    const shown = decodeURIComponent(new URL(request.url ?? '/', 'http://site.example').search.slice(1));
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(
      `<!doctype html><html lang="en"><title>Site</title><h1>Site</h1>` +
        `<iframe title="Map" src="${shown}" width="640" height="360"></iframe>`,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    // Another host, so that the frame is one of another site, whose storage browsers keep apart.
    origin: `http://localhost:${port}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

describe('the map in a frame of another site', () => {
  let home: { readonly folder: string } & AsyncDisposable;
  let chromium: TestBrowser;
  let site: Awaited<ReturnType<typeof startSite>>;
  let other: Awaited<ReturnType<typeof startSite>>;
  let system: System;
  let dashboardUrl: string;
  let token: string;
  const problems: string[] = [];
  const pages: Page[] = [];

  beforeAll(async () => {
    home = await temporaryHome();
    [site, other, chromium] = await Promise.all([startSite(), startSite(), launchBrowser()]);
    system = await System.start(home.folder, {
      args: ['--vehicles', '20'],
      env: { REALTIME_FRAME_ANCESTORS: site.origin },
    });
    ({ dashboardUrl } = await system.run());
    token = await system.token('read');
  });
  afterEach(async () => {
    for (const page of pages.splice(0)) await page.close();
  });
  afterAll(async () => {
    await chromium?.[Symbol.asyncDispose]();
    await system?.[Symbol.asyncDispose]();
    await Promise.all([site, other].map((each) => each?.[Symbol.asyncDispose]()));
    await home[Symbol.asyncDispose]();
  });

  const openPage = async (): Promise<Page> => {
    const page = await chromium.browser.newPage({ viewport: { width: 900, height: 700 } });
    page.setDefaultTimeout(PAGE_TIMEOUT_MS);
    page.on('pageerror', (error) => problems.push(error.message));
    pages.push(page);
    return page;
  };
  /** Opens a page of a site with the dashboard in its frame. */
  const openFramed = async ({ origin }: { origin: string }, address: string): Promise<Page> => {
    const page = await openPage();
    await page.goto(`${origin}/?${encodeURIComponent(`${dashboardUrl}/${address}`)}`);
    return page;
  };
  const frameOf = (page: Page): Promise<Frame> =>
    eventually('the frame is loaded', () =>
      page.frames().find((frame) => frame.url().startsWith(dashboardUrl)),
    );
  /** Opens a page of a site; returns the policy by which the browser refused the frame, and whether the frame shows anything. */
  const refusalOn = async ({ origin }: { origin: string }, framed: string) => {
    const page = await openPage();
    const policies: string[] = [];
    page.on('console', (message) => {
      const [policy] = /frame-ancestors [^"]*/.exec(message.text()) ?? [];
      if (policy !== undefined) policies.push(policy);
    });
    await page.goto(`${origin}/?${encodeURIComponent(framed)}`);
    const policy = await eventually('the browser reports the policy', () => policies[0]);
    const shown = page.frames().map((frame) => frame.getByTestId('connection-state').count());
    return { policy, shown: Math.max(...(await Promise.all(shown))) };
  };

  it('is refused by default', async () => {
    await using otherHome = await temporaryHome();
    await using byDefault = await System.start(otherHome.folder, { args: ['--no-sim'] });
    const { dashboardUrl: url } = await byDefault.run();
    expect(await refusalOn(site, `${url}/?embed=1`)).toEqual({ policy: "frame-ancestors 'none'", shown: 0 });
  });

  it('is refused on a site that is not listed', async () => {
    const policy = `frame-ancestors ${site.origin}`;
    expect(await refusalOn(other, `${dashboardUrl}/?embed=1`)).toEqual({ policy, shown: 0 });
  });

  it('has the title, whether it is live, and the attribution, and nothing else around the map', async () => {
    const page = await openFramed(site, `?embed=1#token=${token}`);
    const frame = await frameOf(page);
    await eventually('the map is live', () =>
      frame.evaluate(() => document.documentElement.dataset['live'] === 'true'),
    );
    await eventually('vehicles are drawn', () =>
      frame.evaluate(() => Number(document.documentElement.dataset['vehiclesDrawn']) > 0),
    );
    expect(await frame.locator('h1').textContent()).toMatch(/Hailstream.*Monaco/);
    expect(await frame.getByTestId('freshness').textContent()).toMatch(/ ago/);
    expect(await frame.locator('.maplibregl-ctrl-attrib').textContent()).toContain('OpenStreetMap');
    for (const name of ['h1', '.freshness', '.maplibregl-ctrl-attrib']) {
      expect([name, await frame.locator(name).first().isVisible()]).toEqual([name, true]);
    }
    for (const name of ['.panel', '.timeline', '.card', '.bar-controls']) {
      expect([name, await frame.locator(name).count()]).toEqual([name, 0]);
    }
    for (const key of ['p', 't', 'd', '?']) await frame.locator('body').press(key);
    expect(await frame.locator('.panel, .sheet, dialog').count()).toBe(0);
    expect(await frame.getByTestId('map').isVisible()).toBe(true);
  });

  it('keeps the token of the frame apart from the storage of tabs, and out of its address', async () => {
    const page = await openFramed(site, `?embed=1#token=${token}`);
    const frame = await frameOf(page);
    await frame.getByTestId('connection-state').waitFor();
    const stored = await frame.evaluate(() => [
      localStorage.getItem('hailstream.token'),
      sessionStorage.getItem('hailstream.token'),
      location.hash,
    ]);
    expect(stored).toEqual([null, token, '']);
  });

  it('adds nothing to the history of the page around it', async () => {
    const page = await openFramed(site, `?embed=1#token=${token}`);
    const frame = await frameOf(page);
    await eventually(
      'the map is drawn',
      async () => (await frame.getByTestId('map').getAttribute('data-ready')) === 'true',
    );
    const before = await page.evaluate(() => history.length);
    await frame.getByRole('button', { name: 'Zoom in' }).click();
    await eventually('the address has the map', () => frame.url().includes('map='));
    expect(frame.url()).toContain('embed=1');
    expect(await page.evaluate(() => history.length)).toBe(before);
    const link = frame.getByRole('link', { name: 'Open the whole page in a new tab' });
    await link.focus();
    const target = new URL((await link.getAttribute('href')) ?? '', dashboardUrl);
    expect([...target.searchParams.keys()]).toEqual(['map']);
    expect(await link.getAttribute('target')).toBe('_blank');
  });

  it('says without a token how the frame gets one, and stays within the frame', async () => {
    const page = await openFramed(site, '?embed=1');
    const address = page.url();
    await page.locator('iframe').evaluate((element) => {
      element.setAttribute('width', '320');
      element.setAttribute('height', '180');
    });
    const frame = await frameOf(page);
    const hint = frame.getByTestId('signed-out');
    await hint.waitFor();
    expect(await hint.textContent()).toMatch(/#token=.*read/);
    expect(await hint.locator('pre').count()).toBe(0);
    const links = hint.locator('a');
    expect(await links.evaluateAll((all) => all.map((link) => link.getAttribute('target')))).toEqual([
      '_blank',
    ]);
    const fits = await hint.evaluate((element) => {
      const { left, top, right, bottom } = element.getBoundingClientRect();
      return left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight;
    });
    expect(fits).toBe(true);
    expect(page.url()).toBe(address);
  });

  it('does not show a panel in a narrow frame, and keeps the title', async () => {
    const page = await openFramed(site, `?embed=1#token=${token}`);
    await page.locator('iframe').evaluate((element) => element.setAttribute('width', '320'));
    const frame = await frameOf(page);
    await frame.getByTestId('freshness').waitFor();
    const name = await frame.locator('.bar-city').boundingBox();
    expect(name?.width ?? 0).toBeGreaterThan(20);
    expect(await frame.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
  });

  it.each(['light', 'dark'] as const)('has no accessibility violation in the %s theme', async (theme) => {
    const page = await openPage();
    for (const hash of ['', `#token=${token}`]) {
      await page.goto(`${dashboardUrl}/?embed=1&theme=${theme}${hash}`);
      if (hash === '') await page.getByTestId('signed-out').waitFor();
      else
        await eventually(
          'the map is drawn',
          async () => (await page.getByTestId('map').getAttribute('data-ready')) === 'true',
        );
      expect(await violations(page)).toEqual([]);
    }
  });

  it('throws no error in any of these pages', () => {
    expect(problems).toEqual([]);
  });
});
