import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { violations } from './_axe.js';
import { launchBrowser, PAGE_TIMEOUT_MS, type TestBrowser } from './_browser.js';
import { appendEvents, idOf, PROVIDERS, rideRequest, vehicleEvents } from './_fleet.js';
import { marks } from './_marks.js';
import { eventually, System, temporaryHome } from './_system.js';

const providerId = PROVIDERS[0];
const MINUTE_MS = 60_000;

/** 20 available vehicles with battery levels of 5, 10, … 100 percent, in a row from west to east. */
const row = (now: number) =>
  Array.from({ length: 20 }, (_, n) =>
    vehicleEvents({
      deviceId: idOf(1 + n),
      providerId,
      lat: 43.7384,
      lng: 7.41 + n * 0.001,
      timestamp: now,
      battery: (n + 1) * 5,
      speed: 5,
    }),
  ).flat();

/** One vehicle has been at the same place for 15 minutes with a rider, and one was fast 20 minutes ago. */
const watched = (now: number) => [
  ...Array.from({ length: 16 }, (_, minutes) =>
    vehicleEvents({
      deviceId: idOf(50),
      providerId: PROVIDERS[1],
      lat: 43.7421,
      lng: 7.4287,
      tripId: idOf(950),
      timestamp: now - minutes * MINUTE_MS,
      speed: 0,
    }),
  ).flat(),
  ...vehicleEvents({
    deviceId: idOf(51),
    providerId,
    lat: 43.75,
    lng: 7.44,
    timestamp: now - 20 * MINUTE_MS,
    speed: 30,
  }),
  ...vehicleEvents({ deviceId: idOf(51), providerId, lat: 43.745, lng: 7.435, timestamp: now, speed: 4 }),
  // Not heard for two minutes.
  ...vehicleEvents({
    deviceId: idOf(52),
    providerId,
    lat: 43.735,
    lng: 7.42,
    timestamp: now - 2 * MINUTE_MS,
  }),
];

describe('the fleet on the dashboard', () => {
  let home: { readonly folder: string } & AsyncDisposable;
  let system: System;
  let chromium: TestBrowser;
  let page: Page;
  let startedAt = 0;
  const problems: string[] = [];

  const open = async (query: string, on = page): Promise<void> => {
    await on.goto(`${(await system.run()).dashboardUrl}/${query}`);
    await on.getByTestId('connection-state').waitFor();
  };
  const dataOf = (name: string): Promise<string | undefined> =>
    page.evaluate((key) => document.documentElement.dataset[key], name);
  const parameter = (name: string): string | null => new URL(page.url()).searchParams.get(name);
  const hasParameter = (name: string, value: string | null) =>
    eventually(`${name} is ${value} in the address`, () => parameter(name) === value);
  const drawn = (count: number) =>
    eventually(`${count} are drawn`, async () => Number(await dataOf('vehiclesDrawn')) === count);
  const keepLive = async (): Promise<void> => {
    const now = Date.now();
    await appendEvents(await system.log(), row(now));
  };

  beforeAll(async () => {
    home = await temporaryHome();
    [system, chromium] = await Promise.all([
      System.start(home.folder, { args: ['--no-sim'] }),
      launchBrowser(),
    ]);
    startedAt = Date.now();
    await appendEvents(await system.log(), [
      ...row(startedAt),
      ...watched(startedAt),
      rideRequest({ tripId: idOf(901), providerId, lat: 43.7475, lng: 7.4385, waitedMs: 240_000 }),
      rideRequest({ tripId: idOf(902), providerId, lat: 43.7384, lng: 7.4111, waitedMs: 60_000 }),
    ]);
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

  it('filters the map, the table and the counts by battery', async () => {
    await drawn(23);
    const filters = page.getByTestId('filters');
    await filters.getByLabel('Battery', { exact: true }).selectOption('20');
    await hasParameter('battery', '20');
    await drawn(3);
    const shown = page.getByTestId('shown-count');
    await eventually('the count is shown', async () => (await shown.textContent()) === '3 of 23 shown');
    expect((await marks(page)).map(({ deviceId }) => deviceId).toSorted()).toEqual([1, 2, 3].map(idOf));
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press('t');
    await eventually(
      'the table has them',
      async () => (await page.getByTestId('table-count').textContent()) === '3 vehicles match the filters',
    );
    await page.getByTestId('vehicle-table').getByRole('button', { name: 'Battery' }).click();
    await eventually(
      'the lowest is first',
      async () => (await page.locator('td.column-battery').first().textContent()) === '5%',
    );
    expect(await violations(page)).toEqual([]);
  });

  it('combines filters, and clears them', async () => {
    await open('?contact=quiet');
    const shown = page.getByTestId('shown-count');
    await eventually('the quiet one is counted', async () => (await shown.textContent()) === '1 of 23 shown');
    await drawn(1);
    await page.getByTestId('filters').getByLabel('Battery', { exact: true }).selectOption('50');
    await eventually('none matches', async () => (await shown.textContent()) === '0 of 23 shown');
    expect(await page.getByTestId('filters').textContent()).toContain('not known');
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await hasParameter('contact', null);
    await hasParameter('battery', null);
    await drawn(23);
  });

  it('labels marks when near, by choice', async () => {
    await keepLive();
    await open('?map=13/43.7384/7.42');
    await drawn(23);
    expect(await dataOf('labels')).toBe('0');
    await open('?map=16/43.7384/7.42');
    await eventually('marks have labels', async () => Number(await dataOf('labels')) > 3);
    await page
      .getByTestId('filters')
      .getByLabel(/Labels/)
      .selectOption('none');
    await hasParameter('labels', 'none');
    await eventually('marks have none', async () => (await dataOf('labels')) === '0');
    await page
      .getByTestId('filters')
      .getByLabel(/Labels/)
      .selectOption('battery');
    await eventually('marks have labels', async () => Number(await dataOf('labels')) > 3);
  });

  it('follows a vehicle until the map is moved by hand', async () => {
    await open(`?vehicle=${providerId}/${idOf(1)}&map=15/43.7384/7.41`);
    await page.getByTestId('vehicle-card').getByText('5%').waitFor();
    await page.getByRole('button', { name: 'Follow' }).click();
    await hasParameter('follow', 'yes');
    const places = [7.416, 7.424];
    for (const lng of places) {
      await appendEvents(
        await system.log(),
        vehicleEvents({ deviceId: idOf(1), providerId, lat: 43.736, lng, battery: 5 }),
      );
      await eventually('the map is at the vehicle', async () => {
        const mark = (await marks(page)).find(({ deviceId }) => deviceId === idOf(1));
        // The middle of the part of the map between the panel and the card.
        return mark !== undefined && Math.abs(mark.lng - lng) < 1e-5 && Math.abs(mark.x - 626) < 30;
      });
    }
    expect(await violations(page)).toEqual([]);
    await page.mouse.move(620, 300);
    await page.mouse.down();
    await page.mouse.move(560, 340, { steps: 4 });
    await page.mouse.up();
    await hasParameter('follow', null);
    await page.keyboard.press('g');
    await hasParameter('follow', 'yes');
    await page.keyboard.press('Escape');
    await hasParameter('follow', null);
  });

  it('shows demand and supply per cell, and the cells without a free vehicle', async () => {
    await keepLive();
    await open('?map=14/43.7384/7.4246');
    await page
      .getByTestId('heat')
      .getByLabel(/On the map/)
      .selectOption('balance');
    await hasParameter('heat', 'balance');
    await eventually('cells are drawn', async () => Number(await dataOf('heatCells')) > 2);
    const unserved = page.getByTestId('heat-unserved');
    await eventually('one cell has none', async () =>
      (await unserved.textContent())?.startsWith('Riders wait in 1 cell without'),
    );
    expect(await page.getByTestId('heat-legend').getByRole('row').first().textContent()).toMatch(/1$/);
    expect(await violations(page)).toEqual([]);
    await page
      .getByTestId('heat')
      .getByRole('button', { name: /1 waiting, none free near/ })
      .click();
    await page.keyboard.press('h');
    await hasParameter('heat', 'demand');
    await page.emulateMedia({ colorScheme: 'dark' });
    await open('?heat=supply&minutes=60');
    await eventually('cells are drawn', async () => Number(await dataOf('heatCells')) > 2);
    expect(await violations(page)).toEqual([]);
    await page.emulateMedia({ colorScheme: 'light' });
  });

  it('lists vehicles that stand still and that were fast, and shows them', async () => {
    await keepLive();
    await open('?list=still');
    const list = page.getByTestId('watchlist');
    const rows = list.getByRole('listitem');
    await eventually('one stands still', async () => (await rows.count()) === 1);
    expect(await rows.first().textContent()).toMatch(/on trip, since/);
    expect(await list.getByLabel('State', { exact: true }).locator('option').allTextContents()).toEqual([
      'All states (1)',
      'With riders (1)',
      'Available (0)',
    ]);
    expect(await violations(page)).toEqual([]);
    await rows.first().getByRole('button').click();
    await page.getByTestId('vehicle-card').waitFor();
    await hasParameter('vehicle', `${PROVIDERS[1]}/${idOf(50)}`);
    await open('?list=speeding&over=100&within=hour&map=15/43.7/7.4');
    await eventually('one was fast', async () => (await rows.count()) === 1);
    expect(await rows.first().textContent()).toContain('108 km/h');
    await rows.first().getByRole('button').click();
    await eventually('the map is where it was fast', () =>
      /\/43\.7[45]\d*\/7\.4/.test(parameter('map') ?? ''),
    );
    await list.getByLabel(/Faster than/).fill('120');
    await hasParameter('over', '120');
    await list.getByText('No vehicle was faster than 120 km/h.').waitFor();
    expect(await violations(page)).toEqual([]);
  });

  it('has key figures with their course over the last hour and day', async () => {
    await keepLive();
    await open('');
    const kpis = page.getByTestId('kpis');
    await kpis.getByRole('button', { name: 'Last hour' }).click();
    await hasParameter('kpis', 'hour');
    const waiting = kpis.locator('[data-kpi=requests_waiting]');
    await eventually(
      'two riders wait',
      async () => (await waiting.locator('.kpis-value').textContent()) === '2',
    );
    expect(await waiting.getByRole('img').getAttribute('aria-label')).toMatch(/^from .* to .*, last/);
    expect(await violations(page)).toEqual([]);
    await kpis.getByRole('button', { name: 'Last day' }).click();
    await hasParameter('kpis', 'day');
    await kpis.getByText(/the day before/).waitFor();
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await violations(page)).toEqual([]);
    await page.emulateMedia({ colorScheme: 'light' });
  });

  it('shows the same of a moment of the past', async () => {
    const at = new Date(startedAt).toISOString();
    await open(
      `?at=${at}&kpis=hour&list=still&heat=balance&battery=20&vehicle=${providerId}/${idOf(1)}&follow=yes`,
    );
    await drawn(3);
    const shown = page.getByTestId('shown-count');
    await eventually('the count is of then', async () => (await shown.textContent()) === '3 of 23 shown');
    const waiting = page.locator('[data-kpi=requests_waiting] .kpis-value');
    await eventually('two riders waited', async () => (await waiting.textContent()) === '2');
    await eventually('one stood still', async () => (await page.locator('.watchlist-rows li').count()) === 1);
    await eventually('cells are drawn', async () => Number(await dataOf('heatCells')) > 2);
    await eventually('the map is where the vehicle was', async () => {
      const mark = (await marks(page)).find(({ deviceId }) => deviceId === idOf(1));
      return mark !== undefined && Math.abs(mark.lng - 7.41) < 1e-5 && Math.abs(mark.x - 626) < 30;
    });
    expect(parameter('follow')).toBe('yes');
    expect(await violations(page)).toEqual([]);
  });

  it('fits a narrow window', async () => {
    await page.setViewportSize({ width: 360, height: 700 });
    await open('?kpis=day&list=speeding&heat=balance&battery=30');
    await page.getByRole('button', { name: /panel/i }).first().click();
    await page.getByTestId('kpis').waitFor();
    const overflow = await page.locator('.panel').evaluate((panel) => panel.scrollWidth - panel.clientWidth);
    expect(overflow).toBeLessThanOrEqual(0);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
    expect(await violations(page)).toEqual([]);
  });

  it('has thrown no error in any test', () => {
    expect(problems).toEqual([]);
  });
});
