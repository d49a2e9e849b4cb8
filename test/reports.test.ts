import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { violations } from './_axe.js';
import { launchBrowser, PAGE_TIMEOUT_MS, type TestBrowser } from './_browser.js';
import { appendEvents, idOf, PROVIDERS } from './_fleet.js';
import { eventsOf } from './_ride.js';
import { eventually, System, temporaryHome } from './_system.js';

const ZONES = fileURLToPath(new URL('../docs/examples/monaco-zones.geojson', import.meta.url));
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const RIDES = 7;
/** Noon of yesterday, UTC: the browser's time zone. */
const NOON = Math.floor(Date.now() / DAY_MS) * DAY_MS - DAY_MS / 2;
const YESTERDAY = new Date(NOON).toISOString().slice(0, 10);

describe('reports in a browser', () => {
  let home: { readonly folder: string } & AsyncDisposable;
  let system: System;
  let chromium: TestBrowser;
  let page: Page;
  const problems: string[] = [];

  beforeAll(async () => {
    home = await temporaryHome();
    [system, chromium] = await Promise.all([
      System.start(home.folder, { args: ['--no-sim', '--batch-every', '1s'] }),
      launchBrowser(),
    ]);
    const rides = Array.from({ length: RIDES }, (_, index) => ({
      tripId: idOf(0x8001 + index),
      deviceId: idOf(0x81 + index),
      providerId: PROVIDERS[index % 2]!,
      at: NOON + index * MINUTE_MS,
      reportedLateMs: 0,
    }));
    await appendEvents(await system.log(), rides.flatMap(eventsOf));
    page = await chromium.browser.newPage({
      viewport: { width: 1280, height: 800 },
      colorScheme: 'light',
      timezoneId: 'UTC',
    });
    page.setDefaultTimeout(PAGE_TIMEOUT_MS);
    page.on('pageerror', (error) => problems.push(error.message));
    await page.goto((await system.run()).signInUrl);
  });
  afterAll(async () => {
    await chromium?.[Symbol.asyncDispose]();
    await system?.[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  });

  /** A page that has loaded no code yet. */
  const secondPage = async (): Promise<Page> => {
    const storageState = await page.context().storageState();
    const context = await chromium.browser.newContext({ storageState, timezoneId: 'UTC' });
    return context.newPage();
  };
  const parameter = (name: string): string | null => new URL(page.url()).searchParams.get(name);
  const figure = (name: string) => page.getByTestId(`report-${name}`);
  const period = () => page.getByTestId('report-period');

  it('open by key with the present day, and step to the day before, in the address', async () => {
    await page.getByTestId('connection-state').waitFor();
    await page.keyboard.press('o');
    await page.getByTestId('reports').waitFor();
    expect(parameter('view')).toBe('reports');
    await page.getByRole('button', { name: 'Previous' }).click();
    expect(parameter('report')).toBe(YESTERDAY);
    await eventually('the rides are loaded', async () => {
      await page.reload();
      await page.getByTestId('reports-total').getByText('UTC').waitFor();
      return (
        (await figure('requests').count()) === 1 && (await figure('requests').textContent()) === String(RIDES)
      );
    });
    expect(await figure('completed').textContent()).toBe(String(RIDES));
    expect(await figure('medianWait').textContent()).toBe('4 min 00 s');
  });

  it('show a week, and open a day of it', async () => {
    await page.getByRole('button', { name: 'Week' }).click();
    await eventually('the week', async () => /^\d{4}-W\d{2}$/.test((await period().textContent()) ?? ''));
    const rows = page.getByTestId('report-intervals').locator('tbody tr');
    await eventually('seven days', async () => (await rows.count()) === 7);
    const day = (new Date(NOON).getUTCDay() + 6) % 7;
    await rows.nth(day).getByRole('button').click();
    await eventually('the day', () => parameter('report') === YESTERDAY);
    await page.goBack();
    await eventually('the week again', async () => (await period().textContent())?.includes('W') ?? false);
    await page.goForward();
    await eventually('the day again', async () => (await period().textContent()) === YESTERDAY);
  });

  it('are those of the chosen provider', async () => {
    const { dashboardUrl } = await system.run();
    await page.goto(`${dashboardUrl}/?view=reports&report=${YESTERDAY}&provider=${PROVIDERS[1]}`);
    await eventually('the rides of the provider', async () => {
      return (await figure('requests').count()) === 1 && (await figure('requests').textContent()) === '3';
    });
  });

  it('are accessible in both themes, in Korean, and on a phone', async () => {
    for (const theme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: theme });
      expect(await violations(page), theme).toEqual([]);
    }
    const { dashboardUrl } = await system.run();
    await page.setViewportSize({ width: 360, height: 740 });
    await page.goto(`${dashboardUrl}/?view=reports&report=${YESTERDAY}&lang=ko`);
    await figure('requests').waitFor();
    expect(await page.getByTestId('reports').getByRole('heading', { name: '보고서' }).count()).toBe(1);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
    expect(await violations(page)).toEqual([]);
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  it('open the map in the middle of an hour', async () => {
    const { dashboardUrl } = await system.run();
    await page.goto(`${dashboardUrl}/?view=reports&report=${YESTERDAY}&lang=en`);
    await page.getByTestId('report-intervals').locator('tbody tr').nth(12).getByRole('button').click();
    await page.getByTestId('map').waitFor({ state: 'attached' });
    expect(parameter('at')).toBe(`${YESTERDAY}T12:30:00Z`);
    expect(parameter('view')).toBeNull();
    expect(problems).toEqual([]);
  });

  it('show zones and cells on a map, and open the map of the city at a zone and at the busiest time', async () => {
    const { code, stderr } = await system.command(['batch', 'zones', 'load', ZONES]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const { dashboardUrl } = await system.run();
    await page.goto(`${dashboardUrl}/?view=reports&report=${YESTERDAY}&lang=en`);
    const map = page.getByTestId('report-map');
    await eventually('seven zones are drawn', async () => (await map.locator('.reports-area').count()) === 7);
    const rows = page.getByTestId('report-places').locator('tbody tr');
    expect(await rows.count()).toBe(1);
    const name = await rows.getByRole('button').textContent();
    expect(await rows.locator('td').first().textContent()).toBe(String(RIDES));
    expect(await map.locator('title').allTextContents()).toContain(`${name}: ${RIDES}`);
    for (const theme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: theme });
      expect(await violations(page), theme).toEqual([]);
    }
    await page.getByRole('button', { name: 'Cells' }).click();
    await page.getByRole('button', { name: 'Positions' }).click();
    expect(await map.getAttribute('aria-label')).toBe('Map: Positions');
    expect(await map.locator('.reports-area').count()).toBeGreaterThan(2);
    await page.getByRole('button', { name: 'Zones' }).click();
    await map.locator('.reports-area', { hasText: `${name}: ` }).click();
    await page.getByTestId('map').waitFor({ state: 'attached' });
    expect(parameter('at')).toBe(`${YESTERDAY}T12:30:00Z`);
    expect(parameter('view')).toBeNull();
    await eventually('the map shows the zone', () => /^1[4-9]/.test(parameter('map') ?? ''));
    await page.goBack();
    await rows.getByRole('button').press('Enter');
    await page.getByTestId('map').waitFor({ state: 'attached' });
    expect(parameter('at')).toBe(`${YESTERDAY}T12:30:00Z`);
  });

  it('say that nothing is known of a period without events', async () => {
    const { dashboardUrl } = await system.run();
    await page.goto(`${dashboardUrl}/?view=reports&report=2020-02`);
    await page.getByTestId('empty-report').waitFor();
    expect(await page.getByTestId('empty-report').textContent()).toContain('2020-02');
  });

  it('can be reloaded if the code of the page no longer exists', async () => {
    const { dashboardUrl } = await system.run();
    const other = await secondPage();
    const code = /[/]assets[/]reports-view-[^/]*[.]js$/;
    await other.route(code, (route) => route.fulfill({ status: 404, body: 'Not Found' }));
    await other.goto(`${dashboardUrl}/?view=reports&report=${YESTERDAY}`);
    await other.getByTestId('page-not-loaded').waitFor();
    expect(await other.getByRole('alert').textContent()).toContain('may have been upgraded');
    for (const theme of ['light', 'dark'] as const) {
      await other.emulateMedia({ colorScheme: theme });
      expect(await violations(other), theme).toEqual([]);
    }
    await other.unroute(code);
    await other.getByRole('button', { name: 'Reload' }).click();
    await other.getByTestId('report-requests').waitFor();
    expect(new URL(other.url()).searchParams.get('report')).toBe(YESTERDAY);
    await other.context().close();
  });

  it('have an outline while the code of the page is loaded', async () => {
    const { dashboardUrl } = await system.run();
    const other = await secondPage();
    let release = (): void => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    await other.route(/[/]assets[/]reports-view-[^/]*[.]js$/, async (route) => {
      await released;
      await route.continue();
    });
    await other.goto(`${dashboardUrl}/?view=reports&report=${YESTERDAY}`);
    await other.getByTestId('page-loading').waitFor();
    expect(await violations(other)).toEqual([]);
    release();
    await other.getByTestId('report-requests').waitFor();
    await other.context().close();
  });
});
