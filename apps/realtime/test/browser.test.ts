import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { freePort } from '@hailstream/service/ports';
import { until } from '@hailstream/service/testing';
import { makeToken } from '@hailstream/service/tokens';
import { launchBrowser, type TestBrowser } from '@hailstream/tools/browser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { id, telemetry } from '../src/fold/events.fixture.js';
import { CLIENT_ID, CLIENT_SECRET, startProvider, type TestProvider } from './_identity-provider.js';
import { append, createTopics, SECRET, startRealtime, untilReady, type Realtime } from './_util.js';

type Page = Awaited<ReturnType<TestBrowser['browser']['newPage']>>;

/** Time limit of every wait for a page: on a busy machine, one can take long to load. */
const PAGE_TIMEOUT_MS = 60_000;
const CORRUPT_MESSAGE = 2;

const eventually = (what: string, condition: () => Promise<boolean>): Promise<unknown> =>
  until(condition, { what, timeoutMs: PAGE_TIMEOUT_MS });

let chromium: TestBrowser;
let broker: TestBroker;
beforeAll(async () => {
  [chromium, broker] = await Promise.all([launchBrowser(), startTestBroker()]);
  await createTopics(broker.address);
});
afterAll(async () => {
  await chromium?.[Symbol.asyncDispose]();
  await broker?.[Symbol.asyncDispose]();
});

/** Opens the table, which needs no map. */
async function openPage(url: string): Promise<Page> {
  const context = await chromium.browser.newContext({ viewport: { width: 1_280, height: 720 } });
  const page = await context.newPage();
  page.setDefaultTimeout(PAGE_TIMEOUT_MS);
  await page.goto(`${url}/?view=table`);
  return page;
}

/** Keeps what a page shows, if a folder for it is named. */
async function keepPicture(page: Page, name: string): Promise<void> {
  const folder = process.env['TEST_PICTURES_DIR'];
  if (folder === undefined) return;
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}

describe('signing in with an identity provider', () => {
  let provider: TestProvider;
  let realtime: Realtime;
  beforeAll(async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    // Another site than the page: the browser does not send it the cookies of the page, nor the other way round.
    provider = await startProvider(`${url}/sign-in/callback`, { host: 'localhost' });
    realtime = await startRealtime(broker.address, {
      PORT: String(port),
      AUTH_JWT_SECRET: SECRET,
      AUTH_OIDC_ISSUER: provider.issuer,
      AUTH_OIDC_CLIENT_ID: CLIENT_ID,
      AUTH_OIDC_CLIENT_SECRET: CLIENT_SECRET,
      AUTH_ROLE_CLAIM: 'groups.hailstream',
      AUTH_FAILURES_PER_SECOND: '1',
      REALTIME_PUBLIC_URL: url,
    });
    await untilReady(realtime);
  });
  afterAll(async () => {
    await Promise.all([realtime, provider].map((each) => each?.[Symbol.asyncDispose]()));
  });

  it('leads there and back, and signing out ends both sessions', async () => {
    const page = await openPage(realtime.url);
    const signIn = page.getByTestId('sign-in-with');
    await signIn.click();
    await page.locator('input[name=login]').fill('Kim');
    await page.locator('input[name=password]').fill('any');
    await page.locator('button[type=submit]').click();
    await page.locator('input[name=prompt][value=consent]').waitFor({ state: 'attached' });
    await page.locator('button[type=submit]').click();
    await page.waitForURL(`${realtime.url}/?view=table`);
    await page.getByTitle(/Kim/).waitFor();
    const state = page.getByTestId('connection-state');
    await eventually('it is connected', async () => (await state.getAttribute('data-state')) === 'connected');
    await keepPicture(page, 'signed-in');

    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL((url) => url.origin === provider.issuer);
    await page.locator('button[value=yes]').click();
    await page.waitForURL(`${realtime.url}/`);
    await page.getByTestId('signed-out').waitFor();
    // And the provider asks who the next user is.
    await signIn.click();
    await page.locator('input[name=login]').waitFor();
    await page.context().close();
  });

  it('of an address that failed too often is explained, with the time to wait', async () => {
    const fail = async (): Promise<number> => (await fetch(`${realtime.url}/city`)).status;
    await eventually('failures are limited', async () => (await fail()) === 429);
    // Each one that is answered uses what the page could have used.
    const flood = new AbortController();
    const flooding = (async () => {
      while (!flood.signal.aborted) await fail();
    })();
    const page = await openPage(realtime.url);
    const notice = page.getByTestId('too-many-attempts');
    await notice.waitFor();
    expect(await notice.textContent()).toMatch(/^Too many attempts .* in \d+ s\.$/);
    await keepPicture(page, 'too-many-attempts');
    flood.abort();
    await flooding;
    // A valid token is accepted meanwhile.
    const claims = { scopes: ['read'] as const, name: 'Lou', isForSignIn: true };
    await page.goto('about:blank');
    await page.goto(`${realtime.url}/?view=table#token=${await makeToken(SECRET, claims, '10 minutes')}`);
    const state = page.getByTestId('connection-state');
    await eventually('it is connected', async () => (await state.getAttribute('data-state')) === 'connected');
    await page.context().close();
  });
});

describe('a service that is not up to date', () => {
  it(
    'is shown as catching up, then as standing still, and as live in between',
    { timeout: 180_000 },
    async () => {
      const timestamp = Date.now();
      const points = Array.from({ length: 40_000 }, (_, n) =>
        telemetry({ device_id: id(1 + (n % 50)), timestamp: timestamp - 40_000 + n }),
      );
      await append(broker.address, points);
      // Reading takes half a minute then: a page may take long to load.
      broker.inject({ api: 'Fetch', delayMs: 5_000, times: Infinity });
      await using realtime = await startRealtime(broker.address);
      const page = await openPage(realtime.url);
      const state = page.getByTestId('connection-state');
      const shows = async (words: RegExp): Promise<boolean> => words.test((await state.textContent()) ?? '');
      await eventually('it catches up', () => shows(/NOT LIVE.*catching up \d+ %/));
      await keepPicture(page, 'catching-up');
      expect((await fetch(`${realtime.url}/health/ready`)).status).toBe(503);
      broker.clearFaults();
      await untilReady(realtime);
      await append(broker.address, [telemetry({ timestamp: Date.now() })]);
      await eventually('it is live', async () => (await state.getAttribute('data-live')) === 'true');

      // The records cannot be read, so the position does not move.
      broker.inject({ api: 'Fetch', errorCode: CORRUPT_MESSAGE, times: Infinity });
      const stalledAt = Date.now();
      await append(broker.address, [telemetry({ timestamp: stalledAt })]);
      await eventually('it stands still', () => shows(/NOT LIVE.*standing still since \d/));
      expect((await fetch(`${realtime.url}/health/ready`)).status).toBe(503);
      await keepPicture(page, 'standing-still');
      broker.clearFaults();
      await append(broker.address, [telemetry({ timestamp: Date.now() })]);
      await eventually('it is live again', async () => (await state.getAttribute('data-live')) === 'true');
      await page.context().close();
    },
  );
});
