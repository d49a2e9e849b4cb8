import { randomUUID } from 'node:crypto';
import { startTestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { startOpenSearch, type RunningOpenSearch } from '@hailstream/tools/opensearch';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startService } from '../_service.js';
import { appendPoints, deadLettersOf, MORNING, point, run, searchJob } from '../_util.js';

const INDEX = 'ride-telemetry-2026.03.01';
const DEVICE = '0197a1c5-0000-7000-8000-000000000001';

let node: RunningOpenSearch;
beforeAll(async () => {
  node = await startOpenSearch();
});
afterAll(() => node[Symbol.asyncDispose]());
beforeEach(() => request('DELETE', '/ride-telemetry-*'));

async function request(method: string, path: string, body?: object): Promise<unknown> {
  const response = await fetch(`${node.url}${path}`, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return JSON.parse(text);
}

interface Hit {
  readonly _id: string;
  readonly _version: number;
  readonly _seq_no: number;
  readonly _source: Record<string, unknown>;
}

/** The documents of an index that match a query, at most 10,000. */
async function search(query: object = { match_all: {} }): Promise<readonly Hit[]> {
  await request('POST', `/${INDEX}/_refresh`);
  const body = { query, size: 10_000, version: true, seq_no_primary_term: true };
  const { hits } = (await request('POST', `/${INDEX}/_search`, body)) as { hits: { hits: Hit[] } };
  return hits.hits;
}

function places(hits: readonly Hit[]): string[] {
  return hits.map(({ _id, _version, _seq_no }) => `${_id} ${_version} ${_seq_no}`).toSorted();
}

describe('OpenSearch', () => {
  it('has each event once after it was killed during the delivery, and a replay changes nothing', async () => {
    await using broker = await startTestBroker();
    const events = Array.from({ length: 8_000 }, (_, index) => {
      const deviceId = `${DEVICE.slice(0, -2)}${String(index % 40).padStart(2, '0')}`;
      return { deviceId, event: point(deviceId, MORNING + index) };
    });
    // Every tenth event is sent twice.
    const sent = events.flatMap((each, index) => (index % 10 === 0 ? [each, each] : [each]));
    await appendPoints(
      broker,
      sent.map(({ deviceId, event }) => ({ deviceId, value: Buffer.from(JSON.stringify(event)) })),
    );
    const job = (name: string) => searchJob(node, { name, batching: { records: 200 } });
    const running = run(broker, [job('search')]);
    await until(async () => (await search()).length > 100);
    await node.stop('SIGKILL');
    await node.restart();
    expect((await running).jobs['search']).toMatchObject({ records: 8_800, deadLettered: 0 });
    const hits = await search();
    expect(hits.map(({ _source: { telemetry_id: id } }) => id).toSorted()).toEqual(
      events.map(({ event: { telemetry_id: id } }) => id).toSorted(),
    );
    const { jobs } = await run(broker, [job('again')]);
    expect(jobs['again']).toMatchObject({ records: 8_800, delivered: 8_000 });
    expect(places(await search())).toEqual(places(hits));
  });

  it('keeps the first of two records with the same event', async () => {
    await using broker = await startTestBroker();
    const event = point(DEVICE, MORNING);
    const values = [event, { ...event, repeat: true }];
    await appendPoints(
      broker,
      values.map((value) => ({ deviceId: DEVICE, value: Buffer.from(JSON.stringify(value)) })),
    );
    await run(broker, [searchJob(node)]);
    expect((await search()).map(({ _source: source }) => source['repeat'])).toEqual([undefined]);
  });

  it('finds events by place, time and exact words, as the template maps them', async () => {
    await using broker = await startTestBroker();
    const inside = {
      ...point(DEVICE, MORNING),
      telemetry_id: randomUUID(),
      location: { lat: 43.73, lng: 7.42 },
    };
    const outside = {
      ...point(DEVICE, MORNING + 60_000),
      telemetry_id: randomUUID(),
      location: { lat: 43.8, lng: 7.42 },
    };
    await appendPoints(
      broker,
      [inside, outside].map((value) => ({ deviceId: DEVICE, value: Buffer.from(JSON.stringify(value)) })),
    );
    await run(broker, [searchJob(node)]);
    const corners = { top_left: { lat: 43.76, lon: 7.4 }, bottom_right: { lat: 43.72, lon: 7.45 } };
    const ids = (hits: readonly Hit[]) => hits.map(({ _source: source }) => source['telemetry_id']);
    expect(ids(await search({ geo_bounding_box: { point: corners } }))).toEqual([inside.telemetry_id]);
    const later = { gte: new Date(MORNING + 30_000).toISOString() };
    expect(ids(await search({ range: { '@timestamp': later } }))).toEqual([outside.telemetry_id]);
    expect(await search({ term: { device_id: DEVICE } })).toHaveLength(2);
    expect(await search({ term: { device_id: DEVICE.slice(0, 8) } })).toEqual([]);
  });

  it('refuses documents that do not fit the mapping, which become dead letters with its reason', async () => {
    await using broker = await startTestBroker();
    const good = point(DEVICE, MORNING);
    const bad = [
      { ...point(DEVICE, MORNING), location: 'at the station' },
      { ...point(DEVICE, MORNING), location: { lat: 143.73, lng: 7.42 } },
      { ...point(DEVICE, MORNING), provider_id: { id: randomUUID() } },
    ];
    await appendPoints(
      broker,
      [good, ...bad, point(DEVICE, MORNING)].map((value) => ({
        deviceId: DEVICE,
        value: Buffer.from(JSON.stringify(value)),
      })),
    );
    const { jobs } = await run(broker, [searchJob(node)]);
    expect(jobs['search']).toMatchObject({ records: 5, delivered: 2, deadLettered: 3 });
    expect(await search()).toHaveLength(2);
    const reasons = (await deadLettersOf(broker)).map(({ reason }) => reason).toSorted();
    expect(reasons).toEqual([
      expect.stringMatching(/^mapper_parsing_exception: .*illegal latitude value \[143.73\]/),
      expect.stringMatching(/^mapper_parsing_exception: object mapping for \[location\]/),
      'provider_id: expected a string',
    ]);
  });

  it('is retried while an index cannot be written, which GET /jobs reports', async () => {
    await using broker = await startTestBroker();
    await appendPoints(broker, [{}]);
    await run(broker, [searchJob(node)]);
    await request('PUT', `/${INDEX}/_settings`, { 'index.blocks.write': true });
    await appendPoints(broker, [{}, {}]);
    await using service = await startService(broker, [searchJob(node)]);
    await until(async () => (await service.job('search')).state === 'failing', { timeoutMs: 60_000 });
    expect((await service.job('search')).failure).toMatchObject({
      code: 'UNAVAILABLE',
      reason: expect.stringContaining('cluster_block_exception'),
    });
    await request('PUT', `/${INDEX}/_settings`, { 'index.blocks.write': false });
    await until(async () => (await service.job('search')).counts.delivered === 2, { timeoutMs: 60_000 });
    expect(await search()).toHaveLength(3);
  });
});
