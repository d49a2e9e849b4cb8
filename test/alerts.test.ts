import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { AlertRecord } from '@hailstream/events';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { violations } from './_axe.js';
import { launchBrowser, PAGE_TIMEOUT_MS, type TestBrowser } from './_browser.js';
import { appendEvents, idOf, PROVIDERS, rideRequest, vehicleEvents } from './_fleet.js';
import { eventually, System, temporaryHome } from './_system.js';

const ring = [
  [7.418, 43.73],
  [7.428, 43.73],
  [7.428, 43.738],
  [7.418, 43.738],
  [7.418, 43.73],
];
const INSIDE = { lat: 43.734, lng: 7.423 };
const OUTSIDE = { lat: 43.745, lng: 7.432 };

const RULES = `rules:
  - { id: pedestrians, kind: zone-entered, zone: old-town, severity: critical, clearAfter: 0s }
  - { id: long-waits, kind: riders-waiting, riders: 2, waitingFor: 10m, severity: warning }
`;

/** What a pager receives: the records of each request. */
class Pager {
  readonly records: AlertRecord[] = [];
  private readonly server: Server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    request.on('end', () => {
      const { records } = JSON.parse(text) as { records: { event: AlertRecord }[] };
      this.records.push(...records.map(({ event }) => event));
      response.end();
    });
  });

  async listen(): Promise<string> {
    await new Promise<void>((done) => this.server.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

describe('alerts on the page and at the pager', () => {
  const pager = new Pager();
  let home: { readonly folder: string } & AsyncDisposable;
  let system: System;
  let chromium: TestBrowser;
  let page: Page;
  const problems: string[] = [];

  beforeAll(async () => {
    home = await temporaryHome();
    const files = join(home.folder, 'given');
    await mkdir(files);
    const [zones, alerts, router] = ['zones.geojson', 'alerts.yaml', 'router.yaml'].map((name) =>
      join(files, name),
    );
    const feature = {
      type: 'Feature',
      id: 'old-town',
      properties: { name: 'Old town' },
      geometry: { type: 'Polygon', coordinates: [ring] },
    };
    await writeFile(zones!, JSON.stringify({ type: 'FeatureCollection', features: [feature] }));
    await writeFile(alerts!, RULES);
    const url = await pager.listen();
    await writeFile(
      router!,
      `jobs:
  - name: pager
    topics: [ride.alerts]
    filter: change = 'raised'
    sink: { type: webhook, url: "${url}" }
    batching: { records: 1 }
`,
    );
    [system, chromium] = await Promise.all([
      System.start(home.folder, {
        args: ['--no-sim', '--zones', zones!, '--alerts', alerts!, '--router', router!],
        env: { WEBHOOK_SECRET: 'a secret shared with the pager' },
      }),
      launchBrowser(),
    ]);
    await appendEvents(
      await system.log(),
      vehicleEvents({
        deviceId: idOf(1),
        providerId: PROVIDERS[0],
        ...OUTSIDE,
        timestamp: Date.now() - 30_000,
      }),
    );
    page = await chromium.browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: 'light' });
    page.setDefaultTimeout(PAGE_TIMEOUT_MS);
    page.on('pageerror', (error) => problems.push(error.message));
    await page.goto((await system.run()).signInUrl);
  });
  afterAll(async () => {
    await chromium?.[Symbol.asyncDispose]();
    await system?.[Symbol.asyncDispose]();
    pager.close();
    await home[Symbol.asyncDispose]();
  });

  const parameter = (name: string): string | null => new URL(page.url()).searchParams.get(name);
  const dataOf = (name: string): Promise<string | undefined> =>
    page.evaluate((key) => document.documentElement.dataset[key], name);

  it('pages once for a vehicle that enters a zone and for riders who wait, and counts them on the bell', async () => {
    await eventually('the vehicle is drawn', async () => (await dataOf('vehiclesDrawn')) === '1');
    await eventually('the zone is drawn', async () => (await dataOf('zonesDrawn')) === '1');
    await appendEvents(await system.log(), [
      ...vehicleEvents({ deviceId: idOf(1), providerId: PROVIDERS[0], ...INSIDE }),
      rideRequest({ tripId: idOf(901), providerId: PROVIDERS[0], ...OUTSIDE, waitedMs: 11 * 60_000 }),
      rideRequest({ tripId: idOf(902), providerId: PROVIDERS[0], ...OUTSIDE, waitedMs: 12 * 60_000 }),
    ]);
    const bell = page.getByTestId('alerts-button');
    await eventually(
      'the bell counts both',
      async () => (await bell.getAttribute('aria-label')) === 'Alerts: 2 open, 1 of them critical',
    );
    await eventually('the pager rings twice', () => pager.records.length === 2);
    expect(pager.records.map(({ rule_id: ruleId, summary }) => [ruleId, summary]).sort()).toEqual([
      ['long-waits', '2 riders have waited for at least 10 min'],
      ['pedestrians', 'Vehicle 000001 entered Old town'],
    ]);
  });

  it('lists alerts by key, shows their subject, and acknowledges with the name of the token', async () => {
    await page.keyboard.press('a');
    const list = page.getByTestId('alerts-list');
    await eventually('both are listed', async () => (await list.locator('li').count()) === 2);
    expect(parameter('alerts')).toBe('current');
    const row = list.locator('li', { hasText: 'entered Old town' });
    expect(await row.innerText()).toContain('Critical');
    expect(await violations(page)).toEqual([]);
    await row.getByTitle('Show on the map').click();
    await page.getByTestId('vehicle-card').waitFor();
    expect(parameter('vehicle')).toBe(`${PROVIDERS[0]}/${idOf(1)}`);
    await row.getByRole('button', { name: 'Acknowledge: Vehicle 000001 entered Old town' }).click();
    await row.getByText('Acknowledged by operator').waitFor();
    await eventually(
      'the bell counts the other one',
      async () => (await page.getByTestId('alerts-button').getAttribute('aria-label')) === 'Alerts: 1 open',
    );
    await page.keyboard.press('Escape');
  });

  it('does not page again after a restart of realtime, and lists what was cleared', async () => {
    process.kill((await system.run()).processes.realtime, 'SIGKILL');
    await page.getByRole('button', { name: 'Cleared' }).click();
    const cleared = page.getByTestId('alerts-list').locator('li', { hasText: 'entered Old town' });
    const log = await system.log();
    // The visit ends with the first step of 10 s in which all positions are outside.
    await eventually('the alert is cleared', async () => {
      await appendEvents(log, vehicleEvents({ deviceId: idOf(1), providerId: PROVIDERS[0], ...OUTSIDE }));
      return await cleared.getByText('Cleared at').isVisible();
    });
    expect(await cleared.innerText()).toContain('Acknowledged by operator');
    expect(pager.records).toHaveLength(2);
  });

  it('counts visits, and draws and removes a zone with the keyboard alone', async () => {
    await page.getByRole('button', { name: 'Zones' }).click();
    const zones = page.getByTestId('zones-list');
    await zones.locator('li', { hasText: 'Old town' }).getByRole('cell').first().waitFor();
    await page.getByRole('button', { name: 'Draw a zone' }).press('Enter');
    await page.getByLabel('Name').fill('Port d’été');
    const corners = page.getByLabel('Corners');
    await corners.fill('43.73, 7.42\n43.73, north');
    await page.getByText('"43.73, north" is not a latitude and a longitude').waitFor();
    await corners.fill('43.735, 7.425\n43.735, 7.430\n43.740, 7.430\n43.740, 7.425');
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Save for all users' }).press('Enter');
    const drawn = zones.locator('li', { hasText: 'Port d’été' });
    await drawn.waitFor();
    await eventually('both zones are drawn', async () => (await dataOf('zonesDrawn')) === '2');
    await drawn.getByRole('button', { name: 'Remove Port d’été' }).press('Enter');
    await drawn.getByRole('button', { name: 'Remove for all users' }).press('Enter');
    await drawn.waitFor({ state: 'detached' });
  });

  it('draws a zone by clicks on the map', async () => {
    await page.getByRole('button', { name: 'Draw a zone' }).click();
    await page.getByLabel('Name').fill('Clicked');
    const map = (await page.getByTestId('map').boundingBox())!;
    for (const [across, down] of [
      [0.5, 0.4],
      [0.6, 0.4],
      [0.6, 0.5],
    ] as const) {
      await page.mouse.click(map.x + map.width * across, map.y + map.height * down);
      // Two clicks in a row would be a double click, which zooms.
      await page.mouse.move(map.x + map.width * 0.3, map.y + map.height * 0.7);
    }
    await page.getByText('3 corners.').waitFor();
    const corners = (await page.getByLabel('Corners').inputValue()).split('\n');
    expect(corners).toHaveLength(3);
    expect(corners.every((corner) => /^43\.\d{5}, 7\.\d{5}$/.test(corner))).toBe(true);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Draw a zone' }).waitFor();
  });

  it('hides the zones by key and in the address, and fits into 360 px in both themes', async () => {
    await page.keyboard.press('z');
    await eventually('no zone is drawn', async () => (await dataOf('zonesDrawn')) === '0');
    expect(parameter('zones')).toBe('hidden');
    await page.setViewportSize({ width: 360, height: 740 });
    for (const theme of ['light', 'dark']) {
      await page.goto(`${(await system.run()).dashboardUrl}/?alerts=current&theme=${theme}`);
      await page.getByTestId('alerts-list').locator('li').first().waitFor();
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
      expect(await violations(page)).toEqual([]);
    }
    await page.goto(`${(await system.run()).dashboardUrl}/?alerts=cleared&lang=ko`);
    await page
      .getByTestId('alerts-list')
      .getByText('차량 000001: Old town 구역에 들어왔습니다', { exact: true })
      .waitFor();
    await page.goto(`${(await system.run()).dashboardUrl}/?alerts=zones&theme=dark&lang=en`);
    await page.getByTestId('zones-list').locator('li').first().waitFor();
    expect(await violations(page)).toEqual([]);
    expect(problems).toEqual([]);
  });
});
