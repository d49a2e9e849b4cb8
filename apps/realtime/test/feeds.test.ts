import { auditTopic } from '@hailstream/events';
import type { AuditRecord } from '@hailstream/events/audit';
import type { FeedList } from '@hailstream/events/feeds';
import { startTestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { makeToken } from '@hailstream/service/tokens';
import { describe, expect, it } from 'vitest';
import { id, OTHER_PROVIDER, PROVIDER, telemetry } from '../src/fold/events.fixture.js';
import { append, appendRecords, createTopics, getJson, SECRET, startRealtime, untilReady } from './_util.js';

describe('GET /feeds', () => {
  it('has the feeds that the token may see, with the rejected items of ingest and the findings', async () => {
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    const now = Date.now();
    const healthy = Array.from({ length: 60 }, (_, n) =>
      telemetry({ timestamp: now - 300 - n * 10, device_id: id(1 + n) }),
    );
    const other = Array.from({ length: 60 }, (_, n) =>
      telemetry({ timestamp: now + 60_000, device_id: id(200 + n), provider_id: OTHER_PROVIDER }),
    );
    await append(broker.address, [...healthy.toReversed(), ...other]);
    const record: AuditRecord = {
      stage: 'ingest',
      process_id: id(900),
      minute: Math.floor(now / 60_000) * 60_000,
      topic: 'ride.telemetry',
      provider_id: OTHER_PROVIDER,
      accepted: 60,
      rejected: [{ reason: 'timestamp-in-seconds', count: 40 }],
    };
    await appendRecords(broker.address, [
      { topic: auditTopic.name, key: 'broken', value: Buffer.from('{') },
      { topic: auditTopic.name, key: 'ingest/1', value: Buffer.from(JSON.stringify(record)) },
    ]);
    await using realtime = await startRealtime(broker.address, { AUTH_JWT_SECRET: SECRET });
    await untilReady(realtime);
    const ask = async (query = '', providerId?: string) => {
      const token = await makeToken(
        SECRET,
        { scopes: ['read'], ...(providerId && { providerId }) },
        '1 hour',
      );
      return getJson<FeedList>(`${realtime.url}/feeds${query}`, token);
    };
    const findings = async () => {
      const { feeds } = (await ask()).body;
      return feeds.map(({ provider_id: provider, findings: found }) => [
        provider,
        found.map(({ finding }) => finding),
      ]);
    };
    await until(async () => (await findings()).some(([, found]) => found!.includes('timestamp-in-seconds')));
    expect(await findings()).toEqual([
      [OTHER_PROVIDER, ['timestamp-in-seconds', 'clock-ahead']],
      [PROVIDER, []],
    ]);

    const own = (await ask('', PROVIDER)).body;
    expect(own.feeds.map(({ provider_id: provider }) => provider)).toEqual([PROVIDER]);
    expect((await ask(`?provider_id=${OTHER_PROVIDER}`)).body.feeds).toHaveLength(1);
    expect(await ask(`?provider_id=${OTHER_PROVIDER}`, PROVIDER)).toMatchObject({ status: 400 });
    expect(await ask('?provider_id=x')).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('UUID') },
    });
    expect(await getJson(`${realtime.url}/feeds`)).toMatchObject({ status: 401 });
    const metrics = await (await fetch(`${realtime.url}/metrics`)).text();
    expect(metrics).toContain(
      `realtime_feed_findings{provider="${OTHER_PROVIDER}",finding="timestamp-in-seconds",severity="error"} 1`,
    );
    expect(metrics).toMatch(
      new RegExp(`realtime_feed_lateness_seconds{provider="${PROVIDER}",quantile="0.5"} `),
    );
  });
});
