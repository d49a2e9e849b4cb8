import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { HistoryOrder, HistoryRange, PastVehicleList } from '@hailstream/events/live';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { freePort } from '@hailstream/service/ports';
import { until } from '@hailstream/service/testing';
import { describe, expect, it } from 'vitest';
import { id, telemetry } from '../src/fold/events.fixture.js';
import { vehicleSummary } from '../src/views/vehicle-detail.js';
import { appendAll, foldUntil, hoursOfEvents, MINUTE_MS, readLog, type LoggedEvent } from './_backfill.js';
import { append, createTopics, getJson, startRealtime, temporaryFolder, untilReady } from './_util.js';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

const settings = (folder: string) => ({
  REALTIME_HISTORY_DIR: folder,
  REALTIME_KEYFRAME_MS: '1s',
  REALTIME_REBUILD_MS: '10m',
  REALTIME_HISTORY_MS: '4h',
});

const rangeOf = async (url: string): Promise<HistoryRange> =>
  (await getJson<HistoryRange>(`${url}/history`)).body;

/** Runs a process until it reads the earlier history, and kills it. */
async function killWhileReading(broker: TestBroker, folder: string): Promise<void> {
  const port = await freePort();
  const child = spawn(process.execPath, [MAIN], {
    env: { KAFKA_BROKERS: broker.address, HOST: '127.0.0.1', PORT: String(port), ...settings(folder) },
    stdio: 'ignore',
  });
  const exited = once(child, 'exit');
  try {
    const url = `http://127.0.0.1:${port}`;
    const isReading = async (): Promise<boolean> => {
      const response = await fetch(`${url}/history`).catch(() => null);
      if (response?.status !== 200) return false;
      return ((await response.json()) as HistoryRange).backfill !== null;
    };
    await until(isReading, { what: 'the earlier history being read', timeoutMs: 30_000 });
  } finally {
    child.kill('SIGKILL');
    await exited;
  }
}

const keyOf = (vehicle: { device_id: string; provider_id: string }): string =>
  `${vehicle.provider_id}${vehicle.device_id}`;

function ordered<T extends { device_id: string; provider_id: string }>(vehicles: readonly T[]): T[] {
  return vehicles.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

function model(events: readonly LoggedEvent[], by: HistoryOrder, at: number) {
  const vehicles = [...foldUntil(events, by, at).vehicles(null)].filter(({ position }) => position !== null);
  return ordered(vehicles.map((vehicle) => ({ ...vehicleSummary(vehicle, at) })));
}

async function expectMoments(url: string, events: readonly LoggedEvent[], now: number): Promise<void> {
  for (const by of ['event', 'received'] as const) {
    for (const minutes of [175, 100, 30, 10, 9.5, 1, 0]) {
      const at = now - Math.floor(minutes * MINUTE_MS);
      const query = `at=${new Date(at).toISOString()}&by=${by}`;
      const { status, body } = await getJson<PastVehicleList>(`${url}/vehicles?${query}`);
      expect([by, minutes, status]).toEqual([by, minutes, 200]);
      expect(ordered(body.vehicles), `${by}, ${minutes} minutes ago`).toEqual(model(events, by, at));
    }
  }
}

describe('the history before the first start', { timeout: 240_000 }, () => {
  it('is read in the background, also after the process was killed, and continues in the live city', async () => {
    await using folder = await temporaryFolder();
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    const now = Date.now();
    // A vehicle that is known from the earlier history alone.
    const parkedAt = now - 150 * MINUTE_MS;
    const parked = { input: telemetry({ device_id: id(999), timestamp: parkedAt }), receivedAt: parkedAt };
    const sent = [...hoursOfEvents({ hours: 3, count: 24_000, now }), parked];
    await appendAll(
      broker.address,
      sent.toSorted((a, b) => a.receivedAt - b.receivedAt),
    );
    await killWhileReading(broker, folder.path);

    await using realtime = await startRealtime(broker.address, settings(folder.path));
    await untilReady(realtime);
    const { url } = realtime;
    const live = await getJson<{ count: number }>(`${url}/vehicles`);
    await until(
      async () => {
        const { backfill, earliest } = await rangeOf(url);
        return backfill === null && earliest !== null && earliest < now - 170 * MINUTE_MS;
      },
      { what: 'the earlier history', timeoutMs: 100_000 },
    );
    const events = await readLog(broker.address);
    await expectMoments(url, events, now);

    const { body: after } = await getJson<{ count: number }>(`${url}/vehicles`);
    expect(after.count).toBe(live.body.count + 1);
    const { body: stats } = await getJson(`${url}/stats`);
    expect(stats).toMatchObject({ eventsSeen: events.length, devicesSeen: after.count });
    expect((await readdir(folder.path)).filter((name) => name.endsWith('.keyframe'))).toEqual([]);
  });

  it('is continued from by the next start, with the records that follow', async () => {
    await using folder = await temporaryFolder();
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    const now = Date.now();
    await appendAll(broker.address, hoursOfEvents({ hours: 3, count: 3_000, now: now - MINUTE_MS }));
    {
      await using realtime = await startRealtime(broker.address, settings(folder.path));
      await untilReady(realtime);
      await until(async () => ((await rangeOf(realtime.url)).earliest ?? now) < now - 170 * MINUTE_MS, {
        what: 'the earlier history',
        timeoutMs: 100_000,
      });
    }
    await append(broker.address, [telemetry({ timestamp: now })], now);
    await using realtime = await startRealtime(broker.address, settings(folder.path));
    await untilReady(realtime);
    const events = await readLog(broker.address);
    await expectMoments(realtime.url, events, now);
    expect((await rangeOf(realtime.url)).backfill).toBe(null);
  });

  it('is not read if it is switched off', async () => {
    await using folder = await temporaryFolder();
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    const now = Date.now();
    await appendAll(broker.address, hoursOfEvents({ hours: 1, count: 500, now }));
    const env = { ...settings(folder.path), REALTIME_HISTORY_MS: '0' };
    await using realtime = await startRealtime(broker.address, env);
    await untilReady(realtime);
    const { earliest, backfill } = await rangeOf(realtime.url);
    expect(backfill).toBe(null);
    expect(earliest).toBeGreaterThanOrEqual(now - 12 * MINUTE_MS);
    expect((await readdir(folder.path)).filter((name) => /^\d{6}$/.test(name))).toEqual([]);
  });
});
