import { auditTopic, vehicleEventFamily } from '@hailstream/events';
import type { TripRoute } from '@hailstream/events/live';
import { createProducer } from '@hailstream/log';
import { createLogger } from '@hailstream/service/logging';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { violations } from './_axe.js';
import { launchBrowser, PAGE_TIMEOUT_MS, type TestBrowser } from './_browser.js';
import { appendEvents, idOf, PROVIDERS, vehicleEvents } from './_fleet.js';
import { eventsOf, speedAt, timesOf, type Ride } from './_ride.js';
import { eventually, System, temporaryHome } from './_system.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const providerId = PROVIDERS[0];
const deviceId = idOf(0x71);

/** Yesterday at 08:42 in the browser's time zone, and two hours earlier. */
const yesterday = new Date(Date.now() - 24 * HOUR_MS).setUTCHours(8, 42, 0, 0);
const ride: Ride = {
  tripId: idOf(0x7001),
  deviceId,
  providerId,
  at: yesterday,
  reportedLateMs: 7 * MINUTE_MS,
};
const earlier: Ride = { ...ride, tripId: idOf(0x7002), at: yesterday - 2 * HOUR_MS, reportedLateMs: null };

describe('trips now and past', () => {
  let home: { readonly folder: string } & AsyncDisposable;
  let system: System;
  let chromium: TestBrowser;
  let page: Page;
  const problems: string[] = [];

  const newPage = async (viewport = { width: 1280, height: 800 }): Promise<Page> => {
    const context = await chromium.browser.newContext({ viewport, colorScheme: 'light', timezoneId: 'UTC' });
    const opened = await context.newPage();
    opened.setDefaultTimeout(PAGE_TIMEOUT_MS);
    opened.on('pageerror', (error) => problems.push(error.message));
    await opened.goto((await system.run()).signInUrl);
    return opened;
  };
  const address = (query: string): string => new URL(`/${query}`, page.url()).href;
  const parameter = (opened: Page, name: string): string | null =>
    new URL(opened.url()).searchParams.get(name);
  const tripPage = (opened: Page) => opened.getByTestId('trip-page');
  const routeIsDrawn = (opened: Page) =>
    eventually('the route is drawn', () =>
      opened.evaluate(() => Number(document.documentElement.dataset['routePoints'] ?? 0) > 0),
    );

  beforeAll(async () => {
    home = await temporaryHome();
    [system, chromium] = await Promise.all([
      System.start(home.folder, { args: ['--no-sim'] }),
      launchBrowser(),
    ]);
    await appendEvents(await system.log(), [
      ...eventsOf(ride),
      ...eventsOf(earlier),
      ...vehicleEvents({ deviceId, providerId, lat: 43.7402, lng: 7.4271 }),
    ]);
    page = await newPage();
  });
  afterAll(async () => {
    await chromium?.[Symbol.asyncDispose]();
    await system?.[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  });

  it('finds a trip of yesterday by a part of its id, and shows its page', async () => {
    await page.getByTestId('freshness').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type(ride.tripId.slice(-6));
    await page.getByRole('button', { name: 'Find it in past trips' }).click();
    const rows = page.getByTestId('trips-table').locator('tbody tr');
    await eventually('one trip is listed', async () => (await rows.count()) === 1);
    await rows.getByRole('button', { name: ride.tripId.slice(-6) }).click();
    await tripPage(page).getByTestId('trip-stage').waitFor();
    expect(await tripPage(page).getByTestId('trip-stage').textContent()).toBe('ended');
    const waits = await tripPage(page).getByTestId('trip-waits').textContent();
    expect(waits).toContain('Rider waited4 min 00 s');
    expect(waits).toContain('Ride8 min 00 s');
    expect(await tripPage(page).getByTestId('trip-events').locator('li').count()).toBe(5);
    const report = tripPage(page).getByTestId('trip-report');
    expect(await report.textContent()).toContain('Differs from the events');
    const differing = report.locator('tr[data-differs="true"]');
    expect(await differing.locator('th').allTextContents()).toEqual(['End', 'Duration']);
    expect(await differing.first().locator('td').last().textContent()).toBe('+7 min 00 s');
  });

  it('draws the route in the colours of the speeds that the vehicle sent', async () => {
    const response = page.waitForResponse(/\/route\?/);
    await page.reload();
    const route = (await (await response).json()) as TripRoute;
    await routeIsDrawn(page);
    const { reservedAt, startedAt, endedAt } = timesOf(ride);
    expect([route.from, route.to]).toEqual([reservedAt, endedAt]);
    expect(route.points.map(([, , speed]) => speed)).toEqual(
      route.points.map(([, , , at]) => speedAt(ride, at)),
    );
    expect(route.points.filter(([, , , at]) => at < startedAt).length).toBe(36);
    const words = await tripPage(page).getByTestId('trip-route').textContent();
    expect(words).toContain('Highest speed32 km/h');
    const drawn = await page.evaluate(() => Number(document.documentElement.dataset['routePoints']));
    expect(drawn).toBe(route.points.length);
  });

  it('has an address that shows the same trip elsewhere, and leads back with Escape', async () => {
    const shared = page.url();
    expect(parameter(page, 'trip')).toBe(`${providerId}/${ride.tripId}`);
    const other = await newPage();
    await other.goto(shared);
    await routeIsDrawn(other);
    expect(await tripPage(other).getByTestId('trip-stage').textContent()).toBe('ended');
    await other.keyboard.press('Escape');
    await eventually('the map is shown', () => parameter(other, 'view') === null);
    await other.goBack();
    await tripPage(other).waitFor();
    await other.context().close();
  });

  it('finds the trip that was under way at a time', async () => {
    await page.goto(address(''));
    await page.getByTestId('freshness').waitFor();
    await page.keyboard.press('r');
    const at = new Date(ride.at + 5 * MINUTE_MS).toISOString().slice(0, 16);
    await page.getByLabel('From').fill(at);
    await page.getByLabel('To', { exact: true }).fill(at);
    const rows = page.getByTestId('trips-table').locator('tbody tr');
    await eventually('one trip is listed', async () => (await rows.count()) === 1);
    expect(await rows.first().textContent()).toContain(ride.tripId.slice(-6));
    expect(parameter(page, 'from')).toBe(`${at}:00Z`);
    await page.getByLabel('Stage', { exact: true }).selectOption('cancelled');
    await page.getByTestId('no-trips').getByRole('button', { name: 'Show all' }).click();
    await eventually('both trips are listed', async () => (await rows.count()) === 2);
    expect(await rows.nth(1).textContent()).toContain('missing');
  });

  it('shows a day of a vehicle, and leads to a moment of it', async () => {
    await page
      .getByTestId('trips-table')
      .getByRole('button', { name: ride.tripId.slice(-6) })
      .click();
    await tripPage(page)
      .getByRole('button', { name: /its day/ })
      .click();
    const day = page.getByTestId('vehicle-page');
    const date = new Date(ride.at).toISOString().slice(0, 10);
    await eventually(
      'both trips of the day',
      async () => (await day.getByTestId('day-trips').locator('li').count()) === 2,
    );
    expect(parameter(page, 'day')).toBe(date);
    await day.getByRole('button', { name: 'Day after' }).click();
    await eventually(
      'the next day',
      async () => !(await day.getByTestId('day').textContent())?.includes('Last'),
    );
    await page.goBack();
    await eventually('the day of the trip', () => parameter(page, 'day') === date);
    await eventually(
      'both trips again',
      async () => (await day.getByTestId('day-trips').locator('li').count()) === 2,
    );
    // A click in the bands, at the time of the ride.
    const band = day.getByRole('img', { name: /^States/ });
    const { width, height } = (await band.boundingBox())!;
    const share = (timesOf(ride).startedAt + 4 * MINUTE_MS - Date.parse(`${date}T00:00Z`)) / (24 * HOUR_MS);
    await band.click({ position: { x: share * width, y: height / 2 } });
    await eventually('the map shows the past', async () => {
      return (
        (await page.getByTestId('connection-state').locator('.connection-pill').textContent()) === 'PAST'
      );
    });
    const at = Date.parse(parameter(page, 'at')!);
    expect(Math.abs(at - (timesOf(ride).startedAt + 4 * MINUTE_MS))).toBeLessThan(3 * MINUTE_MS);
    expect(parameter(page, 'vehicle')).toBe(`${providerId}/${deviceId}`);
  });

  it('shows the moment of an event', async () => {
    await page.goto(address(`?view=trip&trip=${providerId}/${ride.tripId}`));
    await tripPage(page).getByTestId('trip-events').getByRole('button').nth(3).click();
    await eventually(
      'the moment',
      () => parameter(page, 'at') === new Date(timesOf(ride).startedAt).toISOString().replace('.000Z', 'Z'),
    );
  });

  it('says that a trip is not known', async () => {
    await page.goto(address(`?view=trip&trip=${providerId}/${idOf(0x7fff)}`));
    const words = tripPage(page).getByText('has no event of this trip');
    await words.waitFor();
    expect(await words.isVisible()).toBe(true);
  });

  it.each(['light', 'dark'])('has no accessibility violations (%s)', async (theme) => {
    for (const query of [
      `?view=trips&theme=${theme}`,
      `?view=trip&trip=${providerId}/${ride.tripId}&theme=${theme}`,
      `?view=vehicle&vehicle=${providerId}/${deviceId}&day=${new Date(ride.at).toISOString().slice(0, 10)}&theme=${theme}`,
    ]) {
      await page.goto(address(query));
      await page
        .locator('[data-testid=trips-table], [data-testid=trip-report], [data-testid=day-trips] li')
        .first()
        .waitFor();
      expect([query, await violations(page)]).toEqual([query, []]);
    }
  });

  it('says how many records of the log could not be read, in both languages', async () => {
    await using producer = createProducer({
      connection: await system.log(),
      logger: createLogger({ name: 'test', level: 'silent' }),
    });
    const value = Buffer.from('not an event');
    const topics = [vehicleEventFamily.topic.name, auditTopic.name];
    await producer.send(topics.map((topic) => ({ topic, key: deviceId, value })));
    // The log is read up to its last event.
    await appendEvents(
      await system.log(),
      vehicleEvents({ deviceId, providerId, lat: 43.7402, lng: 7.4271 }),
    );
    const phone = await newPage({ width: 360, height: 740 });
    for (const [query, words] of [
      ['?view=trips', '1 record of the log could not be read'],
      ['?view=trips&lang=ko&theme=dark', '로그 레코드 1건을 읽을 수 없어'],
      ['?view=feeds', '1 audit record could not be read'],
      ['?view=feeds&lang=ko&theme=dark', '감사 레코드 1건을 읽을 수 없어'],
    ] as const) {
      await phone.goto(address(query));
      const note = phone.getByTestId('unreadable');
      await note.waitFor();
      expect([query, await note.textContent()]).toEqual([query, expect.stringContaining(words)]);
      expect([query, await violations(phone)]).toEqual([query, []]);
    }
    await phone.context().close();
  });

  it('fits a window of 360 pixels', async () => {
    const phone = await newPage({ width: 360, height: 740 });
    for (const query of [
      '?view=trips',
      `?view=trip&trip=${providerId}/${ride.tripId}`,
      `?view=vehicle&vehicle=${providerId}/${deviceId}&day=${new Date(ride.at).toISOString().slice(0, 10)}`,
    ]) {
      await phone.goto(address(query));
      await phone
        .locator('[data-testid=trips-table], [data-testid=trip-report], [data-testid=day-trips] li')
        .first()
        .waitFor();
      const wide = await phone.evaluate(() => [
        document.documentElement.scrollWidth,
        ...[...document.querySelectorAll('.list-view, .list-rows')].map((element) => element.scrollWidth),
      ]);
      expect([query, Math.max(...wide) <= 360]).toEqual([query, true]);
      expect([query, await violations(phone)]).toEqual([query, []]);
    }
    await phone.context().close();
    expect(problems).toEqual([]);
  });
});
