import { createProducer } from '@hailstream/log';
import { createLogger } from '@hailstream/service/logging';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { violations } from './_axe.js';
import { launchBrowser, PAGE_TIMEOUT_MS, type TestBrowser } from './_browser.js';
import { idOf, PROVIDERS } from './_fleet.js';
import { eventually, System, temporaryHome } from './_system.js';

const POINTS = 40;

describe('the feeds in a browser', () => {
  let home: { readonly folder: string } & AsyncDisposable;
  let system: System;
  let chromium: TestBrowser;
  let page: Page;
  const problems: string[] = [];

  beforeAll(async () => {
    home = await temporaryHome();
    [system, chromium] = await Promise.all([
      System.start(home.folder, { args: ['--no-sim'] }),
      launchBrowser(),
    ]);
    await appendPoints(system, PROVIDERS[0], { aheadMs: 0, lat: 43.7384, lng: 7.4246 });
    await appendPoints(system, PROVIDERS[1], { aheadMs: 60_000, lat: 7.4246, lng: 43.7384 });
    page = await chromium.browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: 'light' });
    page.setDefaultTimeout(PAGE_TIMEOUT_MS);
    page.on('pageerror', (error) => problems.push(error.message));
    await page.goto((await system.run()).signInUrl);
  });
  afterAll(async () => {
    await chromium?.[Symbol.asyncDispose]();
    await system?.[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  });

  const parameter = (name: string): string | null => new URL(page.url()).searchParams.get(name);
  const rows = () => page.getByTestId('feeds-table').locator('tbody tr');
  const card = () => page.getByTestId('feed-card');

  it('are listed by key, worst first, with their status in words', async () => {
    await page.getByTestId('connection-state').waitFor();
    await page.keyboard.press('e');
    await eventually('both feeds are listed', async () => (await rows().count()) === 2);
    expect(parameter('view')).toBe('feeds');
    const [first, second] = await rows().allTextContents();
    expect(first).toContain(PROVIDERS[1].slice(-6));
    expect(first).toContain('Faulty');
    expect(first).toContain('Latitude and longitude are swapped');
    expect(second).toContain('Healthy');
    expect(await page.getByTestId('feeds-total').textContent()).toBe('1 faulty, 1 healthy');
  });

  it('open with findings, cause and fix, in the address', async () => {
    await rows().first().getByRole('button').click();
    await card().waitFor();
    expect(parameter('feed')).toBe(PROVIDERS[1]);
    const swapped = card().locator('[data-finding=swapped-coordinates]');
    expect(await swapped.textContent()).toContain('Send the latitude in `lat` and the longitude in `lng`.');
    expect(await card().locator('[data-finding=clock-ahead]').count()).toBe(1);
    await page.reload();
    await card().waitFor();
    await page.keyboard.press('Escape');
    await card().waitFor({ state: 'detached' });
    await page.goBack();
    await card().waitFor();
  });

  it('are accessible in both themes, and fit a phone', async () => {
    for (const theme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: theme });
      expect(await violations(page), theme).toEqual([]);
    }
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
    await page.keyboard.press('Escape');
    await card().waitFor({ state: 'detached' });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press('e');
    await page.getByTestId('feeds-table').waitFor({ state: 'detached' });
    const controls = await page.locator('.bar').boundingBox();
    const help = await page.getByRole('button', { name: /^Theme:/ }).boundingBox();
    expect(help!.x + help!.width).toBeLessThanOrEqual(controls!.x + controls!.width);
    expect(problems).toEqual([]);
  });
});

async function appendPoints(
  system: System,
  providerId: string,
  { aheadMs, lat, lng }: { readonly aheadMs: number; readonly lat: number; readonly lng: number },
): Promise<void> {
  const connection = await system.log();
  await using producer = createProducer({
    connection,
    logger: createLogger({ name: 'test', level: 'silent' }),
  });
  const now = Date.now();
  const results = await producer.send(
    Array.from({ length: POINTS }, (_, n) => {
      const deviceId = idOf(3_000 + n);
      const point = {
        device_id: deviceId,
        provider_id: providerId,
        telemetry_id: idOf(4_000 + n),
        timestamp: now + aheadMs,
        location: { lat: lat + n / 1e4, lng: lng + n / 1e4, speed: 0 },
      };
      return {
        topic: 'ride.telemetry',
        key: deviceId,
        value: Buffer.from(JSON.stringify(point)),
        timestampMs: now,
      };
    }),
  );
  expect(results.filter(({ kind }) => kind === 'failed')).toEqual([]);
}
