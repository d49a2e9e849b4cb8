import type { HistoryStatus } from '@hailstream/events/live';
import { startTestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { makeToken } from '@hailstream/service/tokens';
import { describe, expect, it } from 'vitest';
import { id, OTHER_PROVIDER, telemetry } from '../src/fold/events.fixture.js';
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
} from './_util.js';

/** Opens a session at the present. Resolves once it is paused or closed. */
async function openHistory(page: PageSocket): Promise<HistoryStatus> {
  const statuses: HistoryStatus[] = [];
  page.on('historyStatus', (status) => statuses.push(status));
  page.emit('openHistory', { seek: 1, at: Date.now(), by: 'received', viewport: monaco });
  return until(() => statuses.find(({ kind }) => kind === 'paused' || kind === 'closed'), {
    what: 'the end of the seek',
  });
}

describe('a history session', () => {
  it('is closed with LIMIT_EXCEEDED if its city needs more memory; those of smaller cities are not', async () => {
    await using folder = await temporaryFolder();
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    await using realtime = await startRealtime(broker.address, {
      REALTIME_HISTORY_DIR: folder.path,
      REALTIME_HISTORY_HEAP_MB: '48',
      AUTH_JWT_SECRET: SECRET,
    });
    await untilReady(realtime);
    const now = Date.now();
    const vehicles = Array.from({ length: 60_000 }, (_, n) =>
      telemetry({ device_id: id(n + 1), timestamp: now }),
    );
    await append(broker.address, [...vehicles, telemetry({ provider_id: OTHER_PROVIDER, timestamp: now })]);
    await until(async () => (await metric(realtime, 'realtime_records_total')) > 60_000, {
      what: 'the fold',
    });
    // The second one has nearly all vehicles: a session must not need memory for those of other providers.
    await until(async () => (await metric(realtime, 'realtime_keyframes')) > 1, { what: 'a keyframe' });
    const tokenOf = (providerId?: string) =>
      makeToken(SECRET, { scopes: ['read'], ...(providerId !== undefined && { providerId }) }, '1h');
    using small = openSocket(realtime.url, { token: await tokenOf(OTHER_PROVIDER) });
    expect(await openHistory(small)).toMatchObject({ kind: 'paused' });
    using large = openSocket(realtime.url, { token: await tokenOf() });
    expect(await openHistory(large)).toMatchObject({
      kind: 'closed',
      code: 'LIMIT_EXCEEDED',
      reason: 'the city at this moment needs more memory than a session may use',
    });
    expect(small.connected && large.connected).toBe(true);
    expect(await metric(realtime, 'realtime_history_sessions')).toBe(1);
  });
});
