import type { LogConnection } from '@hailstream/log';
import { heapBytes, recordMainThread } from '@hailstream/tools/browser';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser } from './_browser.js';
import { appendEvents, idOf, PROVIDERS } from './_fleet.js';
import { marks } from './_marks.js';
import { eventually, System, temporaryHome } from './_system.js';

const AREA = { west: 7.395, south: 43.715, east: 7.455, north: 43.765 } as const;

/** A page of a system without simulator. */
interface Opened extends AsyncDisposable {
  readonly page: Page;
  readonly connection: LogConnection;
  readonly problems: readonly string[];
}

async function open(env: Readonly<Record<string, string>> = {}): Promise<Opened> {
  const home = await temporaryHome();
  const [system, chromium] = await Promise.all([
    System.start(home.folder, { args: ['--no-sim'], env }),
    launchBrowser(),
  ]);
  const page = await chromium.browser.newPage({ viewport: { width: 1920, height: 1080 } });
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto((await system.run()).signInUrl);
  return {
    page,
    connection: await system.log(),
    problems,
    async [Symbol.asyncDispose]() {
      await chromium[Symbol.asyncDispose]();
      await system[Symbol.asyncDispose]();
      await home[Symbol.asyncDispose]();
    },
  };
}

function dataOf(page: Page, name: string): Promise<string | undefined> {
  return page.evaluate((key) => document.documentElement.dataset[key], name);
}

/** Where a vehicle is after so many seconds: it drives a square of about 30 m. */
function place(vehicle: number, second: number): { lat: number; lng: number } {
  const column = vehicle % 125;
  const row = Math.floor(vehicle / 125);
  const side = second % 4;
  return {
    lat: round(AREA.south + ((AREA.north - AREA.south) * (row + (side > 1 ? 0.6 : 0))) / 80),
    lng: round(AREA.west + ((AREA.east - AREA.west) * (column + (side % 3 === 0 ? 0 : 0.6))) / 125),
  };
}

function round(degrees: number): number {
  return Math.round(degrees * 1e6) / 1e6;
}

let ids = 0x900_000;

/** Appends a position of each vehicle. */
function drive(
  connection: LogConnection,
  { vehicles, second }: { vehicles: number; second: number },
): Promise<void> {
  const timestamp = Date.now();
  return appendEvents(
    connection,
    Array.from({ length: vehicles }, (_, vehicle) => ({
      family: 'telemetry',
      event: {
        device_id: idOf(vehicle),
        provider_id: PROVIDERS[0],
        telemetry_id: idOf((ids += 1)),
        timestamp,
        location: { ...place(vehicle, second), heading: (second * 90) % 360, speed: 30 },
      },
    })),
  );
}

describe('a page with 10,000 vehicles that move every second', () => {
  const vehicles = 10_000;
  let opened: Opened;
  let second = 0;

  beforeAll(async () => {
    opened = await open();
    await drive(opened.connection, { vehicles, second });
  });
  afterAll(() => opened?.[Symbol.asyncDispose]());

  it('draws and counts all of them', async () => {
    const { page } = opened;
    await eventually('all are drawn', async () => (await dataOf(page, 'vehiclesDrawn')) === String(vehicles));
    const total = await page.getByTestId('vehicles-total').textContent();
    expect(Number(total?.replaceAll(/\D/g, ''))).toBe(vehicles);
  });

  it('uses little of its main thread, and shows the last position of each', async () => {
    const { page, connection, problems } = opened;
    const frames = await recordMainThread(page, async () => {
      for (let count = 0; count < 8; count += 1) {
        const nextAt = Date.now() + 1_000;
        await drive(connection, { vehicles, second: (second += 1) });
        await page.waitForTimeout(Math.max(0, nextAt - Date.now()));
      }
    });
    // A busy machine draws few frames, and uses more processor time for each: bench/RESULTS.md has the figures.
    const sorted = frames.toSorted((one, other) => one - other);
    expect(sorted.length).toBeGreaterThan(0);
    expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThan(40);
    await eventually('all are at their places', async () => {
      const drawn = await marks(page);
      const isThere = drawn.map(({ deviceId, lat, lng }) => {
        const expected = place(Number.parseInt(deviceId.slice(-12), 16), second);
        return Math.abs(expected.lat - lat) < 1e-6 && Math.abs(expected.lng - lng) < 1e-6;
      });
      return isThere.length === vehicles && isThere.every((each) => each);
    });
    expect(problems).toEqual([]);
  });

  it('responds to the user', async () => {
    const { page } = opened;
    await page.mouse.move(1_200, 500);
    await page.mouse.wheel(0, -600);
    await eventually('the map is closer', async () => {
      const drawn = Number(await dataOf(page, 'vehiclesDrawn'));
      return drawn > 0 && drawn < vehicles;
    });
    expect(await dataOf(page, 'mapMode')).toBe('marks');
    await page.keyboard.press('t');
    await page.getByTestId('vehicle-table').waitFor();
  });
});

it('a page does not use more memory after each tick', async () => {
  await using opened = await open({ REALTIME_TICK_MS: '50ms' });
  const { page, connection } = opened;
  const vehicles = 1_000;
  let second = 0;
  /** A minute has 120 ticks of 500 ms. */
  const minute = async (): Promise<number> => {
    for (let count = 0; count < 120; count += 1) {
      await drive(connection, { vehicles, second: (second += 1) });
    }
    await eventually('all are at their places', async () => {
      const drawn = await marks(page);
      return (
        drawn.length === vehicles &&
        drawn.every(({ deviceId, lat }) => {
          return Math.abs(place(Number.parseInt(deviceId.slice(-12), 16), second).lat - lat) < 1e-6;
        })
      );
    });
    return heapBytes(page);
  };
  await minute();
  const middle = await minute();
  const end = await minute();
  expect(end).toBeLessThan(middle * 1.05);
  expect(opened.problems).toEqual([]);
});
