import type { HistoryFrame, HistoryStatus, VehicleDetail } from '@hailstream/events/live';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { makeToken } from '@hailstream/service/tokens';
import { describe, expect, it } from 'vitest';
import { id, OTHER_PROVIDER, PROVIDER, telemetry } from '../src/fold/events.fixture.js';
import {
  append,
  createTopics,
  metric,
  monaco,
  openSocket,
  SECRET,
  startRealtime,
  temporaryFolder,
  untilReady,
  type PageSocket,
  type Realtime,
} from './_util.js';

const MINUTE_MS = 60_000;

/** What a page was sent. */
function record(page: PageSocket) {
  const snapshots: HistoryFrame[] = [];
  const frames: HistoryFrame[] = [];
  const statuses: HistoryStatus[] = [];
  const details: (VehicleDetail | null)[] = [];
  page.on('historySnapshot', (frame) => snapshots.push(frame));
  page.on('historyFrame', (frame) => frames.push(frame));
  page.on('historyStatus', (status) => statuses.push(status));
  page.on('historyVehicle', (detail) => details.push(detail));
  return { snapshots, frames, statuses, details };
}

const statusOf = (statuses: readonly HistoryStatus[], kind: HistoryStatus['kind']) =>
  until(() => statuses.at(-1)?.kind === kind && statuses.at(-1), { what: kind });

/** A vehicle that drives north for ten minutes, a point every second, and one of another provider that stands still. */
async function drive(broker: TestBroker, startedAt: number): Promise<void> {
  const seconds = Array.from({ length: 600 }, (_, n) => n);
  await append(
    broker.address,
    seconds.map((n) =>
      telemetry({ timestamp: startedAt + n * 1_000, location: { lat: 43.73 + n * 1e-5, lng: 7.42 } }),
    ),
    seconds.map((n) => startedAt + n * 1_000 + 200),
  );
  await append(
    broker.address,
    [telemetry({ provider_id: OTHER_PROVIDER, device_id: id(2), timestamp: startedAt })],
    startedAt,
  );
}

async function startDrive(broker: TestBroker, folder: string, env: Record<string, string> = {}) {
  await createTopics(broker.address);
  const realtime = await startRealtime(broker.address, { REALTIME_HISTORY_DIR: folder, ...env });
  await untilReady(realtime);
  const startedAt = Date.now() - 20 * MINUTE_MS;
  await drive(broker, startedAt);
  await until(async () => (await metric(realtime, 'realtime_records_total')) >= 601, { what: 'the drive' });
  return { realtime, startedAt };
}

const latAt = (seconds: number): number => Math.round((43.73 + seconds * 1e-5) * 1e6) / 1e6;

describe('a history session', () => {
  it('shows the moment, seeks, plays and pauses, with the frames of the live view', async () => {
    await using folder = await temporaryFolder();
    await using broker = await startTestBroker();
    const { realtime, startedAt } = await startDrive(broker, folder.path);
    await using _ = realtime;
    using page = openSocket(realtime.url);
    const { snapshots, frames, statuses, details } = record(page);
    page.emit('openHistory', { seek: 1, at: startedAt + 100_500, by: 'event', viewport: monaco });
    await statusOf(statuses, 'paused');
    expect(snapshots.at(-1)).toMatchObject({ asOf: startedAt + 100_500, seek: 1, by: 'event', gone: [] });
    const rowOf = (frame: HistoryFrame | undefined) =>
      frame?.vehicles.find(([deviceId]) => deviceId === id(1));
    expect(rowOf(snapshots.at(-1))?.slice(1, 3)).toEqual([latAt(100), 7.42]);
    expect(snapshots.at(-1)?.vehicles.length).toBe(2);
    expect(snapshots.at(-1)?.figures).toMatchObject({
      newestEventAt: startedAt + 100_000,
      eventsPerSecond: 1,
    });

    page.emit('watchHistory', { deviceId: id(1), providerId: PROVIDER });
    const detail = await until(() => details.at(-1), { what: 'the detail' });
    expect(detail.trail.at(-1)?.[0]).toBeCloseTo(43.73 + 100e-5, 9);

    page.emit('seekHistory', { seek: 2, at: startedAt + 50_000 });
    await until(() => snapshots.at(-1)?.seek === 2, { what: 'the earlier moment' });
    expect(rowOf(snapshots.at(-1))?.[1]).toBe(latAt(50));
    await statusOf(statuses, 'paused');

    page.emit('playHistory', { speed: 60 });
    await until(() => frames.length >= 5, { what: 'frames' });
    page.emit('pauseHistory');
    const { at } = (await statusOf(statuses, 'paused')) as { at: number };
    for (const frame of frames.filter(({ vehicles }) => vehicles.length > 0)) {
      const seconds = Math.floor((frame.asOf - startedAt) / 1_000);
      expect(rowOf(frame)?.[1]).toBe(latAt(Math.min(seconds, 599)));
      expect(frame.seek).toBe(2);
    }
    expect(at).toBeGreaterThan(startedAt + 50_000);
    expect(frames.map(({ asOf }) => asOf)).toEqual(frames.map(({ asOf }) => asOf).toSorted((a, b) => a - b));

    page.emit('closeHistory');
    expect(await statusOf(statuses, 'closed')).toMatchObject({ code: 'CLOSED' });
    await until(async () => (await metric(realtime, 'realtime_history_sessions')) === 0, {
      what: 'no session',
    });
  });

  it('shows one provider if the viewport names it, and refuses one that the token may not see', async () => {
    await using folder = await temporaryFolder();
    await using broker = await startTestBroker();
    const { realtime, startedAt } = await startDrive(broker, folder.path, { AUTH_JWT_SECRET: SECRET });
    await using _: Realtime = realtime;
    const [all, other] = await Promise.all([
      makeToken(SECRET, { scopes: ['read'] }, '1h'),
      makeToken(SECRET, { scopes: ['read'], providerId: OTHER_PROVIDER }, '1h'),
    ]);
    using page = openSocket(realtime.url, { token: all });
    const { snapshots, frames, statuses } = record(page);
    const only = { ...monaco, providerId: OTHER_PROVIDER };
    page.emit('openHistory', { seek: 1, at: startedAt + 30_000, by: 'event', viewport: only });
    await statusOf(statuses, 'paused');
    const shown = (): string[] | undefined => snapshots.at(-1)?.vehicles.map(([deviceId]) => deviceId);
    expect(shown()).toEqual([id(2)]);
    expect(snapshots.at(-1)?.figures.newestEventAt).toBe(startedAt);
    page.emit('playHistory', { speed: 60 });
    // The vehicle that stands still becomes stale, and the other one moves.
    await until(() => frames.some(({ vehicles }) => vehicles.length > 0), { what: 'a change' });
    page.emit('pauseHistory');
    const moved = frames.flatMap(({ vehicles }) => vehicles.map(([deviceId]) => deviceId));
    expect(new Set(moved)).toEqual(new Set([id(2)]));
    page.emit('historyViewport', monaco);
    await until(() => shown()?.length === 2, { what: 'all vehicles' });

    using limited = openSocket(realtime.url, { token: other });
    const refused: string[] = [];
    limited.on('refused', ({ message }) => refused.push(message));
    const wanted = { ...monaco, providerId: PROVIDER };
    limited.emit('openHistory', { seek: 1, at: startedAt, by: 'event', viewport: wanted });
    await until(() => refused.length === 1, { what: 'the refusal' });
    expect(refused).toEqual(['openHistory']);
    const seen = record(limited);
    limited.emit('openHistory', { seek: 2, at: startedAt + 30_000, by: 'event', viewport: monaco });
    await statusOf(seen.statuses, 'paused');
    limited.emit('playHistory', { speed: 60 });
    await until(() => seen.frames.some(({ vehicles }) => vehicles.length > 0), { what: 'a change' });
    const ids = [...seen.snapshots, ...seen.frames].flatMap(({ vehicles }) => vehicles.map(([each]) => each));
    expect(new Set(ids)).toEqual(new Set([id(2)]));
  });

  it('plays up to the present and pauses there; a moment outside the range is replaced', async () => {
    await using folder = await temporaryFolder();
    await using broker = await startTestBroker();
    const { realtime } = await startDrive(broker, folder.path);
    await using _ = realtime;
    using page = openSocket(realtime.url);
    const { snapshots, statuses } = record(page);
    page.emit('openHistory', { seek: 1, at: Date.now() + 3_600_000, by: 'received', viewport: monaco });
    await statusOf(statuses, 'paused');
    expect(snapshots.at(-1)!.asOf).toBeLessThanOrEqual(Date.now());
    page.emit('playHistory', { speed: 10 });
    await statusOf(statuses, 'playing');
    await statusOf(statuses, 'paused');
    page.emit('seekHistory', { seek: 2, at: 1 });
    const first = await until(() => snapshots.at(-1)?.seek === 2 && snapshots.at(-1), {
      what: 'the first moment',
    });
    expect(first.asOf).toBeGreaterThan(Date.now() - 3_600_000);
  });

  it('refuses invalid messages, and sessions beyond those that a token may have', async () => {
    await using folder = await temporaryFolder();
    await using broker = await startTestBroker();
    const { realtime, startedAt } = await startDrive(broker, folder.path, { AUTH_JWT_SECRET: SECRET });
    await using _: Realtime = realtime;
    const token = await makeToken(SECRET, { scopes: ['read'], providerId: OTHER_PROVIDER }, '1h');
    const request = { seek: 1, at: startedAt + 60_000, by: 'event', viewport: monaco } as const;
    const pages = Array.from({ length: 5 }, () => openSocket(realtime.url, { token }));
    try {
      const recorded = pages.map(record);
      for (const page of pages.slice(0, 4)) page.emit('openHistory', request);
      for (const { statuses } of recorded.slice(0, 4)) await statusOf(statuses, 'paused');
      for (const { snapshots } of recorded.slice(0, 4)) {
        expect(snapshots.at(-1)?.vehicles.map(([deviceId]) => deviceId)).toEqual([id(2)]);
      }
      pages[4]!.emit('openHistory', request);
      expect(await statusOf(recorded[4]!.statuses, 'closed')).toMatchObject({ code: 'TOO_MANY_SESSIONS' });
      pages[0]!.disconnect();
      await until(async () => (await metric(realtime, 'realtime_history_sessions')) === 3, { what: 'room' });
      pages[4]!.emit('openHistory', request);
      await statusOf(recorded[4]!.statuses, 'paused');

      const refused: string[] = [];
      pages[4]!.on('refused', ({ message }) => refused.push(message));
      pages[4]!.emit('playHistory', { speed: 61 });
      pages[4]!.emit('seekHistory', { seek: 1.5, at: 0 });
      await until(() => refused.length === 2, { what: 'refusals' });
      expect(refused).toEqual(['playHistory', 'seekHistory']);
      // A vehicle of another provider does not exist for this token.
      pages[4]!.emit('watchHistory', { deviceId: id(1), providerId: PROVIDER });
      await until(() => recorded[4]!.details.length > 0, { what: 'the answer' });
      expect(recorded[4]!.details).toEqual([null]);
    } finally {
      for (const page of pages) page.disconnect();
    }
  });

  it('is closed with a code if it cannot be opened', async () => {
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    await using realtime = await startRealtime(broker.address);
    await untilReady(realtime);
    using page = openSocket(realtime.url);
    const { statuses } = record(page);
    page.emit('openHistory', { seek: 1, at: Date.now(), by: 'event', viewport: monaco });
    expect(await statusOf(statuses, 'closed')).toMatchObject({ code: 'HISTORY_DISABLED' });
  });
});
