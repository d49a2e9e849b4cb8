import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { violations } from './_axe.js';
import { launchBrowser, type TestBrowser } from './_browser.js';
import { appendEvents, idOf, PROVIDERS, vehicleEvents } from './_fleet.js';
import { eventually, System, temporaryHome } from './_system.js';

/** In Monaco. */
const NEAR = 40;

describe('what the dashboard shows, and its address', () => {
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
    await appendEvents(await system.log(), fleet());
    page = await chromium.browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: 'light' });
    page.setDefaultTimeout(15_000);
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
  const parameter = (name: string): string | null => new URL(page.url()).searchParams.get(name);
  const open = async (query: string): Promise<void> => {
    await page.goto(`${(await system.run()).dashboardUrl}/${query}`);
    await page.getByTestId('connection-state').waitFor();
  };
  const mapIsReady = () =>
    eventually(
      'the map is drawn',
      async () => (await page.getByTestId('map').getAttribute('data-ready')) === 'true',
    );

  it('writes the moved map, the filter, the view and the selection to the address', async () => {
    await eventually('the vehicles are drawn', async () => Number(await dataOf('vehiclesDrawn')) >= NEAR);
    expect(new URL(page.url()).search).toBe('');
    await page.getByRole('button', { name: 'Zoom in' }).click();
    await eventually('the map is in the address', () => parameter('map') !== null);
    await page.locator('.legend-row[data-state=stopped]').click();
    await eventually(
      'the filter is in the address',
      () => parameter('states')?.includes('stopped') === false,
    );
    await page.keyboard.press('t');
    await eventually('the view is in the address', () => parameter('view') === 'table');
    await page
      .getByTestId('vehicle-table')
      .getByRole('button', { name: idOf(1).slice(-6) })
      .click();
    await eventually(
      'the vehicle is in the address',
      () => parameter('vehicle') === `${PROVIDERS[0]}/${idOf(1)}`,
    );
    expect(page.url()).not.toContain('token');
  });

  it('goes back through selections and views, and forward again', async () => {
    const card = page.getByTestId('vehicle-card');
    const table = page.getByTestId('vehicle-table');
    await page.goBack();
    await card.waitFor({ state: 'detached' });
    await table.waitFor();
    await page.goBack();
    await table.waitFor({ state: 'detached' });
    await page.goForward();
    await page.goForward();
    await card.waitFor();
    await table.waitFor();
    expect(parameter('vehicle')).toBe(`${PROVIDERS[0]}/${idOf(1)}`);
  });

  it('shows the same after a reload, and in another window', async () => {
    const shared = page.url();
    const { signInUrl } = await system.run();
    const context = await chromium.browser.newContext({ viewport: { width: 1280, height: 800 } });
    const other = await context.newPage();
    await other.goto(shared + new URL(signInUrl).hash);
    await page.reload();
    for (const opened of [page, other]) {
      await opened.getByTestId('vehicle-card').waitFor();
      await opened.getByTestId('vehicle-table').waitFor();
      expect(await opened.locator('.legend-row[data-state=stopped]').getAttribute('aria-pressed')).toBe(
        'false',
      );
    }
    expect(other.url()).toBe(shared);
    await context.close();
  });

  it('moves the map to the vehicle of a link, and not if the link has a part of the map', async () => {
    await open(`?vehicle=${idOf(2)}&map=15/43.9/7.1`);
    await page.getByTestId('vehicle-card').getByText('Available').waitFor();
    await mapIsReady();
    expect(parameter('map')).toBe('15.00/43.90000/7.10000');
    await open(`?vehicle=${idOf(101)}`);
    await eventually('the map is at the vehicle', () => parameter('map')?.includes('/37.7') === true);
  });

  it('applies a theme of the address before the first paint, without storing it', async () => {
    await open('?theme=dark');
    expect(await dataOf('theme')).toBe('dark');
    await open('');
    expect(await dataOf('theme')).toBeUndefined();
  });

  it('lists what it ignores in the address', async () => {
    await open('?view=globe&campaign=7&states=on_trip');
    const note = page.getByTestId('ignored-parameters');
    await note.waitFor();
    expect(await note.textContent()).toContain('view=globe');
    expect(await note.textContent()).toContain('campaign');
    await mapIsReady();
    expect(await violations(page)).toEqual([]);
    expect(await page.locator('.legend-row[data-state=stopped]').getAttribute('aria-pressed')).toBe('false');
    await note.getByRole('button', { name: 'Dismiss' }).click();
    await note.waitFor({ state: 'detached' });
  });

  it('has thrown no error in any test', () => {
    expect(problems).toEqual([]);
  });
});

/** Vehicles 1 to 40 are in Monaco, 101 to 107 in San Francisco. */
function fleet() {
  const near = Array.from({ length: NEAR }, (_, index) => ({
    deviceId: idOf(index + 1),
    providerId: PROVIDERS[0],
    lat: 43.732 + (index % 8) / 1_000,
    lng: 7.414 + Math.floor(index / 8) / 500,
  }));
  const far = Array.from({ length: 7 }, (_, index) => ({
    deviceId: idOf(101 + index),
    providerId: PROVIDERS[1],
    lat: 37.75 + index / 500,
    lng: -122.42 + index / 500,
  }));
  return [...near, ...far].flatMap(vehicleEvents);
}
