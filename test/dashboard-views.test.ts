import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { violations } from './_axe.js';
import { launchBrowser, PAGE_TIMEOUT_MS, type TestBrowser } from './_browser.js';
import { appendEvents, idOf, PROVIDERS, rideRequest, vehicleEvents } from './_fleet.js';
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
    await appendEvents(await system.log(), [
      ...fleet(),
      rideRequest({
        tripId: idOf(901),
        providerId: PROVIDERS[0],
        lat: 43.7384,
        lng: 7.4246,
        waitedMs: 240_000,
      }),
      rideRequest({ tripId: idOf(902), providerId: PROVIDERS[0], lat: 43.741, lng: 7.43, waitedMs: 30_000 }),
      rideRequest({ tripId: idOf(903), providerId: PROVIDERS[0], lat: 43.7, lng: 7.25, waitedMs: 90_000 }),
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

  it('finds a vehicle outside of the map, and moves there', async () => {
    await open('');
    await mapIsReady();
    await page.keyboard.press('/');
    await page.keyboard.type(idOf(103).slice(-6));
    const found = page.locator('#find-results').getByRole('option');
    await eventually('one is found', async () => (await found.count()) === 1);
    expect(await found.textContent()).toMatch(/Vehicle .*available/);
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press('Enter');
    await page.getByTestId('vehicle-card').waitFor();
    await eventually('the map has moved', () => parameter('map')?.includes('/37.7') === true);
    expect(parameter('q')).toBe(idOf(103).slice(-6));
    await eventually('it is drawn, without roads', async () => Number(await dataOf('vehiclesDrawn')) >= 1);
    expect(await violations(page)).toEqual([]);
  });

  it('selects a vehicle found by state or provider with the arrow keys, and reports an empty result', async () => {
    await open(`?q=available+${PROVIDERS[1].slice(0, 8)}`);
    const found = page.locator('#find-results').getByRole('option');
    await eventually('all of the provider are found', async () => (await found.count()) === 7);
    await page.locator('#find').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    expect(await found.nth(2).getAttribute('aria-selected')).toBe('true');
    await page.locator('#find').fill('nothing like this');
    await eventually('the page reports it', async () =>
      (await page.getByTestId('find-status').textContent())?.includes('No vehicle or trip'),
    );
    await page.keyboard.press('Escape');
    expect(await page.locator('#find').inputValue()).toBe('');
  });

  it('counts the vehicles outside of the map, and fits the map to all', async () => {
    await open('?map=14/43.7384/7.4246');
    await mapIsReady();
    const outside = page.getByTestId('outside-count');
    await eventually('7 are outside', async () => (await outside.textContent())?.startsWith('7 outside'));
    await outside.click();
    await outside.waitFor({ state: 'detached' });
    await eventually('the map shows both cities', () => Number(parameter('map')?.split('/')[0]) < 5);
  });

  it('opens fitted to the vehicles if none is in the city', async () => {
    await open(`?provider=${PROVIDERS[1]}`);
    await eventually('the map is at the vehicles', () => parameter('map')?.includes('/37.7') === true);
    await eventually('they are drawn', async () => Number(await dataOf('vehiclesDrawn')) === 7);
    await eventually(
      'the figures are theirs',
      async () => (await page.getByTestId('vehicles-total').textContent()) === '7',
    );
  });

  it('lists all vehicles in the table, sorted and paged by the service', async () => {
    await open('?view=table&map=14/43.7384/7.4246&sort=-device');
    const table = page.getByTestId('vehicle-table');
    await eventually('all are counted', async () => (await table.getAttribute('aria-rowcount')) === '48');
    const first = table.getByRole('rowheader').first();
    await eventually(
      'the last device is first',
      async () => (await first.textContent()) === idOf(107).slice(-6),
    );
    await table.getByRole('button', { name: 'Provider' }).click();
    await eventually('the order is in the address', () => parameter('sort') === 'provider');
    await eventually('it is sorted', async () => (await first.textContent()) === idOf(1).slice(-6));
    await page.getByTestId('providers').getByRole('button').nth(1).click();
    await eventually(
      'the filter applies',
      async () => (await page.getByTestId('table-count').textContent()) === '7 vehicles match the filters',
    );
    expect(await violations(page)).toEqual([]);
  });

  it('colours by provider, and shows one alone', async () => {
    await open('');
    await mapIsReady();
    const providers = page.getByTestId('providers');
    await providers.waitFor();
    await page.keyboard.press('v');
    expect(await providers.getByRole('checkbox').isChecked()).toBe(true);
    await eventually('the colours are in the address', () => parameter('colors') === 'provider');
    await providers.getByRole('button').first().click();
    await eventually('the provider is in the address', () => parameter('provider') === PROVIDERS[0]);
    await eventually(
      'its vehicles are counted',
      async () => (await page.getByTestId('vehicles-total').textContent()) === String(NEAR),
    );
    expect(await violations(page)).toEqual([]);
  });

  it('shows where a rider waits, and for how long', async () => {
    await open(`?trip=${PROVIDERS[0]}/${idOf(903)}`);
    const card = page.getByTestId('trip-card');
    await eventually('the wait is shown', async () =>
      /for \d+ min/.test((await card.getByTestId('wait').textContent()) ?? ''),
    );
    expect(await page.getByTestId('riders-waiting').textContent()).toContain('3');
    // The rider is in the middle of the free part of the map, which is not that of the window.
    await eventually('the map has moved to Nice', () =>
      /\/43\.(69|70)\d*\/7\.2/.test(parameter('map') ?? ''),
    );
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await card.waitFor({ state: 'detached' });
    const { x, y } = pixelOf({ lat: 43.7, lng: 7.25 }, parameter('map') ?? '');
    await page.mouse.click(x, y);
    await card.waitFor();
    expect(parameter('trip')).toBe(`${PROVIDERS[0]}/${idOf(903)}`);
  });

  it('lists its keys', async () => {
    await open('');
    await mapIsReady();
    await page.keyboard.press('?');
    const help = page.getByTestId('help');
    await help.waitFor();
    expect(await help.textContent()).toContain('Find a vehicle or trip');
    expect(await violations(page)).toEqual([]);
    // Other keys have no effect behind it.
    await page.keyboard.press('t');
    expect(parameter('view')).toBeNull();
    await page.keyboard.press('Escape');
    await help.waitFor({ state: 'detached' });
  });

  it.each(['light', 'dark'] as const)(
    'fits a phone in the %s theme: map, table, cards and dead letters',
    async (theme) => {
      await page.setViewportSize({ width: 360, height: 740 });
      const widths = () =>
        page.evaluate(() => [document.documentElement.scrollWidth, document.body.scrollWidth]);
      for (const query of [
        '',
        '&view=table',
        `&view=table&vehicle=${PROVIDERS[0]}/${idOf(1)}`,
        `&trip=${PROVIDERS[0]}/${idOf(901)}`,
        '&view=dead-letters',
      ]) {
        await open(`?theme=${theme}${query}`);
        await eventually(
          'it is connected',
          async () => (await page.getByTestId('connection-state').getAttribute('data-state')) === 'connected',
        );
        if (query.includes('vehicle=')) {
          const row = page.getByTestId('vehicle-table').getByRole('rowheader').first();
          await row.waitFor();
          await page.getByTestId('vehicle-card').getByText('Available').waitFor();
          const [table, card] = await Promise.all([
            page.locator('.table-view').boundingBox(),
            page.getByTestId('vehicle-card').boundingBox(),
          ]);
          expect(table!.width).toBeGreaterThan(320);
          expect(table!.height).toBeGreaterThan(180);
          expect(table!.y + table!.height).toBeLessThanOrEqual(card!.y);
          const scroller = await page
            .locator('.table-scroller')
            .evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth);
          expect(scroller).toBe(0);
        }
        expect(await widths()).toEqual([360, 360]);
        expect(await violations(page)).toEqual([]);
      }
      await page.setViewportSize({ width: 1280, height: 800 });
    },
  );

  it('has thrown no error in any test', () => {
    expect(problems).toEqual([]);
  });
});

/** Where a place is on a page of 1280 by 800 pixels whose map is at `zoom/latitude/longitude`. */
function pixelOf({ lat, lng }: { lat: number; lng: number }, map: string): { x: number; y: number } {
  const [zoom = 0, centerLat = 0, centerLng = 0] = map.split('/').map(Number);
  const worldPixels = 512 * 2 ** zoom;
  const down = (degrees: number) =>
    Math.log(Math.tan(Math.PI / 4 + (degrees * Math.PI) / 360)) / (2 * Math.PI);
  return {
    x: 640 + ((lng - centerLng) / 360) * worldPixels,
    y: 400 + (down(centerLat) - down(lat)) * worldPixels,
  };
}

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
