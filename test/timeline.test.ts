import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { violations } from './_axe.js';
import { launchBrowser, PAGE_TIMEOUT_MS, type TestBrowser } from './_browser.js';
import { appendEvents, idOf, PROVIDERS, vehicleEvents } from './_fleet.js';
import { marks } from './_marks.js';
import { eventually, System, temporaryHome } from './_system.js';

const providerId = PROVIDERS[0];
/** It was at `before` three minutes ago and is at `after` now. */
const moved = idOf(1);
/** It sent its first event a moment ago. */
const arrived = idOf(2);
const before = { lat: 43.7345, lng: 7.4145 };
const after = { lat: 43.7402, lng: 7.4271 };

describe('the timeline', () => {
  let home: { readonly folder: string } & AsyncDisposable;
  let system: System;
  let chromium: TestBrowser;
  let page: Page;
  let shared = '';
  const problems: string[] = [];

  const newPage = async (): Promise<Page> => {
    const context = await chromium.browser.newContext({
      viewport: { width: 1280, height: 800 },
      colorScheme: 'light',
    });
    const opened = await context.newPage();
    opened.setDefaultTimeout(PAGE_TIMEOUT_MS);
    opened.on('pageerror', (error) => problems.push(error.message));
    return opened;
  };

  beforeAll(async () => {
    home = await temporaryHome();
    [system, chromium] = await Promise.all([
      System.start(home.folder, { args: ['--no-sim'] }),
      launchBrowser(),
    ]);
    const now = Date.now();
    await appendEvents(await system.log(), [
      ...vehicleEvents({ deviceId: moved, providerId, ...before, timestamp: now - 180_000 }),
      ...vehicleEvents({ deviceId: moved, providerId, ...after, timestamp: now }),
      ...vehicleEvents({ deviceId: arrived, providerId, ...before, timestamp: now }),
    ]);
    page = await newPage();
    await page.goto((await system.run()).signInUrl);
  });
  afterAll(async () => {
    await chromium?.[Symbol.asyncDispose]();
    await system?.[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  });

  const label = (opened: Page) => opened.getByTestId('connection-state').locator('.connection-pill');
  const isAt = async (opened: Page, at: 'before' | 'after'): Promise<boolean> => {
    const drawn = new Map((await marks(opened)).map(({ deviceId, lat, lng }) => [deviceId, { lat, lng }]));
    const place = drawn.get(moved);
    const expected = at === 'before' ? before : after;
    const isThere = place !== undefined && Math.abs(place.lat - expected.lat) < 1e-6;
    // Vehicles of two times are never drawn together.
    return isThere && drawn.has(arrived) === (at === 'after');
  };
  const showsPast = async (opened: Page): Promise<void> => {
    await eventually('the vehicle is where it was', () => isAt(opened, 'before'));
    expect(await label(opened).textContent()).toBe('PAST');
    expect(await opened.evaluate(() => document.documentElement.dataset['live'])).toBe('false');
  };
  const showsPresent = (opened: Page) =>
    eventually('the vehicle is where it is', async () => {
      const isPast = (await label(opened).textContent()) === 'PAST';
      return !isPast && isAt(opened, 'after');
    });
  const moment = (): string | null => new URL(page.url()).searchParams.get('at');

  it('draws the vehicles where they were at the chosen second', async () => {
    await showsPresent(page);
    const slider = page.getByRole('slider', { name: 'Moment shown' });
    await slider.focus();
    for (const key of ['PageDown', 'PageDown', 'ArrowLeft']) await page.keyboard.press(key);
    await showsPast(page);
    await eventually('the moment is in the address', () => moment() !== null);
    shared = page.url();
    expect(Date.now() - Date.parse(moment() ?? '')).toBeGreaterThan(121_000);
    expect(await page.getByTestId('connection-state').textContent()).toContain('what happened');
    expect(await violations(page)).toEqual([]);
  });

  it('tells what the page showed then from what happened', async () => {
    const order = page.getByLabel('What is shown of the moment');
    const words = page.locator('.connection-words');
    await order.selectOption('received');
    await words.getByText('what the page showed then').waitFor();
    // All events were sent at the same time, later than that.
    await eventually('no vehicle is drawn', async () => (await marks(page)).length === 0);
    await order.selectOption('event');
    await words.getByText('what happened').waitFor();
  });

  it('plays until the present', async () => {
    await page.goto(shared);
    await showsPast(page);
    await page.getByLabel('Speed').selectOption('60');
    await page.getByRole('button', { name: 'Play' }).click();
    await eventually('the vehicle has moved', () => isAt(page, 'after'));
    expect(await label(page).textContent()).toBe('PAST');
    expect(moment()).not.toBeNull();
  });

  it('opens a shared address at its moment, and leaves it with Back', async () => {
    const other = await newPage();
    await other.goto(shared + new URL((await system.run()).signInUrl).hash);
    await showsPast(other);
    expect(other.url()).toBe(shared);
    await other.getByRole('button', { name: 'Live' }).click();
    await showsPresent(other);
    expect(new URL(other.url()).searchParams.has('at')).toBe(false);
    await other.goBack();
    await showsPast(other);
    await other.context().close();
  });

  it('continues at the moment that it shows after a reconnection', async () => {
    await page.goto(shared);
    await showsPast(page);
    await system.kill('realtime');
    const state = page.getByTestId('connection-state');
    await eventually(
      'it is connected again',
      async () => (await state.getAttribute('data-state')) === 'connected',
    );
    await showsPast(page);
    expect(page.url()).toBe(shared);
    await page.keyboard.press('l');
    await showsPresent(page);
  });

  it('has thrown no error in any test', () => {
    expect(problems).toEqual([]);
  });
});
