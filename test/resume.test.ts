import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser, type TestBrowser } from './_browser.js';
import { eventually, System, temporaryHome } from './_system.js';
import { startTcpProxy, type TcpProxy } from './_tcp-proxy.js';

const VEHICLES = 50;

/** How many answers of each kind the service has sent to clients that needed a state. */
interface Answers {
  readonly snapshot: number;
  readonly resumed: number;
}

describe('a page whose network is cut and restored', () => {
  let home: { readonly folder: string } & AsyncDisposable;
  let system: System;
  let chromium: TestBrowser;
  let proxy: TcpProxy;
  let page: Page;
  const problems: string[] = [];

  beforeAll(async () => {
    home = await temporaryHome();
    [system, chromium] = await Promise.all([
      System.start(home.folder, { args: ['--vehicles', String(VEHICLES)] }),
      launchBrowser(),
    ]);
    const signIn = new URL((await system.run()).signInUrl);
    proxy = await startTcpProxy(signIn.origin);
    page = await chromium.browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.on('pageerror', (error) => problems.push(error.message));
    await page.goto(proxy.origin + signIn.pathname + signIn.hash);
  });
  afterAll(async () => {
    await chromium?.[Symbol.asyncDispose]();
    await proxy?.[Symbol.asyncDispose]();
    await system?.[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  });

  const dataOf = (name: string): Promise<string | undefined> =>
    page.evaluate((key) => document.documentElement.dataset[key], name);
  const isLive = async (): Promise<boolean> => (await dataOf('live')) === 'true';
  const drawn = async (): Promise<number> => Number(await dataOf('vehiclesDrawn'));

  async function answers(): Promise<Answers> {
    const text = await (await fetch(new URL('/metrics', (await system.run()).dashboardUrl))).text();
    const count = (kind: keyof Answers): number =>
      Number(new RegExp(`^realtime_answers_total\\{kind="${kind}"\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
    return { snapshot: count('snapshot'), resumed: count('resumed') };
  }

  /** Until the page has its viewport, and no answer follows. */
  async function settledAnswers(): Promise<Answers> {
    let last = await answers();
    let same = 0;
    await eventually('no more snapshots', async () => {
      const now = await answers();
      same = now.snapshot === last.snapshot && now.resumed === last.resumed ? same + 1 : 0;
      last = now;
      return same > 40;
    });
    return last;
  }

  it('continues its state with one frame, and is live again', async () => {
    await eventually('all vehicles are drawn', async () => (await drawn()) >= VEHICLES);
    await eventually('it is live', isLive);
    const before = await settledAnswers();
    expect(before.snapshot).toBeGreaterThan(0);
    expect(before.resumed).toBe(0);

    proxy.cut();
    await eventually('it is not live', async () => !(await isLive()));
    expect(await drawn()).toBeGreaterThanOrEqual(VEHICLES);
    await eventually('several connections have failed', () => proxy.refusedCount >= 4);
    proxy.restore();

    await eventually('it is live again', isLive);
    // The answers of a tick are counted at the next one.
    await eventually('it has continued its state', async () => (await answers()).resumed > 0);
    expect(await answers()).toEqual({ snapshot: before.snapshot, resumed: 1 });
    expect(await drawn()).toBeGreaterThanOrEqual(VEHICLES);
  });

  it('starts from a snapshot if the service was restarted meanwhile', async () => {
    proxy.cut();
    await eventually('it is not live', async () => !(await isLive()));
    await system.kill('realtime');
    proxy.restore();
    await eventually('it is live again', isLive, 120_000);
    await eventually('it has a snapshot', async () => (await answers()).snapshot > 0);
    expect((await answers()).resumed).toBe(0);
    await eventually('all vehicles are drawn', async () => (await drawn()) >= VEHICLES);
  });

  it('has thrown no error in any test', () => {
    expect(problems).toEqual([]);
  });
});
