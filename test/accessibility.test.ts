import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deadLetterTopic } from '@hailstream/events';
import { createDeadLetterQueue } from '@hailstream/log';
import { createLogger } from '@hailstream/service/logging';
import type { Page, WebSocketRoute } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { violations } from './_axe.js';
import { launchBrowser, PAGE_TIMEOUT_MS, type TestBrowser } from './_browser.js';
import { appendEvents, idOf, PROVIDERS, rideRequest, vehicleEvents } from './_fleet.js';
import { eventsOf, type Ride } from './_ride.js';
import { eventually, System, temporaryHome } from './_system.js';

const MINUTE_MS = 60_000;
const WIDTHS = [1280, 360] as const;
const HEIGHT = 760;
const providerId = PROVIDERS[0];
const place = { lat: 43.734, lng: 7.423 };
const ride: Ride = {
  tripId: idOf(0x7001),
  deviceId: idOf(0x71),
  providerId,
  at: Date.now() - 30 * MINUTE_MS,
  reportedLateMs: 7 * MINUTE_MS,
};
const past = new Date(Math.floor(Date.now() / 1_000) * 1_000 - 20 * MINUTE_MS)
  .toISOString()
  .replace('.000', '');
const ring = [
  [7.418, 43.73],
  [7.428, 43.73],
  [7.428, 43.738],
  [7.418, 43.738],
  [7.418, 43.73],
];

interface State {
  readonly query: string;
  /** An element that is shown once the state is complete. */
  readonly shows: string;
  /** What leads to it from the address. */
  readonly act?: (page: Page) => Promise<void>;
}

const press = (key: string) => (page: Page) => page.keyboard.press(key);

const states: Readonly<Record<string, State>> = {
  map: { query: '', shows: '[data-testid=map][data-ready=true]' },
  'a map with labels and the colours of providers': {
    query: '?map=15/43.734/7.423&colors=provider&labels=battery',
    shows: '[data-testid=map][data-ready=true]',
  },
  table: { query: '?view=table', shows: '[data-testid=vehicle-table] tbody th' },
  'a vehicle': {
    query: `?vehicle=${providerId}/${idOf(1)}`,
    shows: '[data-testid=vehicle-card] .fact',
  },
  'a waiting rider': { query: `?trip=${providerId}/${idOf(901)}`, shows: '[data-testid=wait]' },
  'search and filters': {
    query: '?q=available&battery=90&contact=live',
    shows: '#find-results [role=option]',
    act: async (page) => {
      await page.locator('#find').focus();
    },
  },
  'key figures, demand, and vehicles that are fast': {
    query: '?kpis=day&list=speeding&heat=balance',
    shows: '[data-testid=kpis] .kpis-value',
  },
  'vehicles that stand still': {
    query: '?kpis=hour&list=still&heat=supply',
    shows: '[data-testid=watchlist] select',
  },
  alerts: { query: '?alerts=current', shows: '[data-testid=alerts-list] li' },
  'cleared alerts': { query: '?alerts=cleared', shows: '.alerts-note' },
  zones: { query: '?alerts=zones', shows: '[data-testid=zones-list] li' },
  'a new zone': {
    query: '?alerts=zones',
    shows: '.zone-form',
    act: (page) => page.getByRole('button', { name: 'Draw a zone' }).click(),
  },
  feeds: { query: '?view=feeds', shows: '[data-testid=feeds-table] tbody tr' },
  'a feed': { query: `?view=feeds&feed=${providerId}`, shows: '[data-testid=feed-card] .feed-measures' },
  reports: {
    query: '?view=reports',
    shows: '[data-testid=report-figures], [data-testid=empty-report], .list-failure',
  },
  'dead letters': { query: '?view=dead-letters', shows: '[data-testid=dead-letter-list] li' },
  'a dead letter': {
    query: '?view=dead-letters',
    shows: '[data-testid=dead-letter-card] .letter-bytes',
    act: (page) => page.getByTestId('dead-letter-list').getByRole('button').first().click(),
  },
  trips: { query: '?view=trips', shows: '[data-testid=trips-table] tbody tr' },
  'no trips': { query: '?view=trips&trip_text=nothing', shows: '[data-testid=no-trips]' },
  'a trip': {
    query: `?view=trip&trip=${providerId}/${ride.tripId}`,
    shows: '[data-testid=trip-report] .report',
  },
  "a vehicle's day": {
    query: `?view=vehicle&vehicle=${providerId}/${ride.deviceId}`,
    shows: '[data-testid=day-trips] li',
  },
  'a moment of the past': { query: `?at=${past}`, shows: '.connection[data-tone=past]' },
  'ignored parameters': { query: '?view=globe', shows: '[data-testid=ignored-parameters]' },
  keys: { query: '', shows: '[data-testid=help]', act: press('?') },
  settings: { query: '', shows: '[data-testid=settings]', act: press(',') },
  'Korean texts': { query: '?lang=ko&kpis=hour&heat=balance', shows: '[data-testid=map][data-ready=true]' },
};

describe('axe without violations in every state and theme', () => {
  let home: { readonly folder: string } & AsyncDisposable;
  let system: System;
  let chromium: TestBrowser;
  let page: Page;
  const problems: string[] = [];

  const problemsIn = async ({ query, shows, act }: State, opened = page): Promise<string[]> => {
    await opened.setViewportSize({ width: WIDTHS[0], height: HEIGHT });
    await opened.goto(`${(await system.run()).dashboardUrl}/${query}`);
    await opened.getByTestId('connection-state').waitFor();
    await act?.(opened);
    await opened.locator(shows).first().waitFor({ state: 'attached' });
    return problemsOf(opened);
  };

  beforeAll(async () => {
    home = await temporaryHome();
    const files = join(home.folder, 'given');
    await mkdir(files);
    const [zones, alerts] = [join(files, 'zones.geojson'), join(files, 'alerts.yaml')];
    const feature = {
      type: 'Feature',
      id: 'old-town',
      properties: { name: 'Old town' },
      geometry: { type: 'Polygon', coordinates: [ring] },
    };
    await writeFile(zones, JSON.stringify({ type: 'FeatureCollection', features: [feature] }));
    await writeFile(
      alerts,
      `rules:
  - { id: long-waits, kind: riders-waiting, riders: 1, waitingFor: 2m, severity: warning }
`,
    );
    [system, chromium] = await Promise.all([
      System.start(home.folder, { args: ['--no-sim', '--zones', zones, '--alerts', alerts] }),
      launchBrowser(),
    ]);
    await appendEvents(await system.log(), [
      ...eventsOf(ride),
      ...[0, 1].flatMap((provider) =>
        Array.from({ length: 8 }, (_, n) =>
          vehicleEvents({
            deviceId: idOf(1 + n + provider * 8),
            providerId: PROVIDERS[provider]!,
            lat: place.lat + provider * 0.002,
            lng: place.lng + n * 0.001,
            battery: 10 + n * 10,
            speed: n === 0 ? 30 : 8,
          }),
        ).flat(),
      ),
      rideRequest({ tripId: idOf(901), providerId, ...place, waitedMs: 4 * MINUTE_MS }),
      rideRequest({ tripId: idOf(902), providerId, lat: 43.741, lng: 7.43, waitedMs: MINUTE_MS }),
    ]);
    await writeDeadLetters(system);
    page = await chromium.browser.newPage({ viewport: { width: WIDTHS[0], height: HEIGHT } });
    page.setDefaultTimeout(PAGE_TIMEOUT_MS);
    page.on('pageerror', (error) => problems.push(error.message));
    await page.goto((await system.run()).signInUrl);
    await page.getByTestId('map').waitFor();
  });
  afterAll(async () => {
    await chromium?.[Symbol.asyncDispose]();
    await system?.[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  });

  it.each(Object.keys(states))('%s', async (name) => {
    expect(await problemsIn(states[name]!)).toEqual([]);
  });

  it('signed out', async () => {
    const context = await chromium.browser.newContext();
    const stranger = await context.newPage();
    expect(await problemsIn({ query: '', shows: '[data-testid=signed-out] pre' }, stranger)).toEqual([]);
    await context.close();
  });

  it('disconnected', async () => {
    const context = await chromium.browser.newContext();
    const own = await context.newPage();
    const sockets: WebSocketRoute[] = [];
    let isCut = false;
    await own.routeWebSocket(/socket\.io/, (socket) => {
      sockets.push(socket);
      if (isCut) void socket.close();
      else socket.connectToServer();
    });
    const state = own.getByTestId('connection-state');
    await own.goto((await system.run()).signInUrl);
    await eventually('it is connected', async () => (await state.getAttribute('data-state')) === 'connected');
    isCut = true;
    await Promise.all(sockets.map((socket) => socket.close()));
    await eventually(
      'it is reconnecting',
      async () => (await state.getAttribute('data-state')) === 'reconnecting',
    );
    expect(await problemsOf(own)).toEqual([]);
    await context.close();
  });

  it('has thrown no error in any state', () => {
    expect(problems).toEqual([]);
  });
});

/**
 * What is wrong with the page as it is, in a wide window and on a phone, in both themes: violations, and elements beyond the
 * edge of the window.
 */
async function problemsOf(page: Page): Promise<string[]> {
  const found: string[] = [];
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: HEIGHT });
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      found.push(...(await violations(page)).map((violation) => `${width}, ${colorScheme}: ${violation}`));
    }
    const shownWidth = await page.evaluate(() => document.documentElement.scrollWidth);
    if (shownWidth !== width) found.push(`${width}: the page is ${shownWidth} pixels wide`);
  }
  return found;
}

async function writeDeadLetters(system: System): Promise<void> {
  const logger = createLogger({ name: 'test', level: 'silent' });
  const connection = await system.log();
  await using queue = createDeadLetterQueue({ connection, logger, topic: deadLetterTopic.name });
  const letters = [1n, 2n].map((offset) => ({
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
    groupId: 'router-search',
    reason: new Error(`field ${offset} is invalid`),
  }));
  await queue.write(letters);
}
