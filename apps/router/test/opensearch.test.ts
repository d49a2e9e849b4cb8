import { startTestBroker } from '@hailstream/log/testing';
import { describe, expect, it } from 'vitest';
import { TestOpenSearchServer } from './_opensearch-server.js';
import { appendPoints, deadLettersOf, HOUR_MS, MORNING, point, run, searchJob } from './_util.js';

const DEVICE = '0197a1c0-8a3e-7c11-9a50-3f1d2b7c9e10';

function valueOf(event: object): { deviceId: string; value: Buffer } {
  return { deviceId: DEVICE, value: Buffer.from(JSON.stringify(event)) };
}

const overloaded = { status: 429, type: 'rejected_execution_exception', reason: 'queue is full' };

describe('search', () => {
  it('stores events as documents of daily indexes', async () => {
    await using broker = await startTestBroker();
    await using search = await TestOpenSearchServer.start();
    const event = point(DEVICE, Date.UTC(2026, 1, 28, 23, 59, 59, 999));
    await appendPoints(broker, [valueOf(event), { timeMs: Date.UTC(2026, 2, 1) }]);
    const result = await run(broker, [searchJob(search)]);
    expect(result.jobs).toEqual({
      search: { records: 2, delivered: 2, filtered: 0, deadLettered: 0 },
    });
    const id = `${String(event['provider_id'])}:${String(event['telemetry_id'])}`;
    expect(search.documents.get(`ride-telemetry-2026.02.28/${id}`)?.source).toEqual({
      ...event,
      '@timestamp': '2026-02-28T23:59:59.999Z',
      point: { lat: 43.7347, lon: 7.4206 },
    });
    expect(
      [...search.documents.keys()].filter((key) => key.startsWith('ride-telemetry-2026.03.01/')),
    ).toHaveLength(1);
    expect([...search.templates.values()]).toMatchObject([
      {
        index_patterns: ['ride-telemetry-*'],
        template: {
          mappings: { properties: { '@timestamp': { type: 'date' }, point: { type: 'geo_point' } } },
        },
      },
    ]);
  });

  it('stores each event once despite rejected items, lost responses and server errors', async () => {
    await using broker = await startTestBroker();
    await using search = await TestOpenSearchServer.start();
    await appendPoints(
      broker,
      Array.from({ length: 3_000 }, (_, index) => ({ timeMs: MORNING + index })),
    );
    let requests = 0;
    search.fault = (path) => {
      if (path !== '/_bulk') return undefined;
      requests += 1;
      if (requests % 17 === 0) return 'reset-after';
      if (requests % 23 === 0) return 'reset-before';
      return requests % 29 === 0 ? { status: 503 } : undefined;
    };
    let items = 0;
    search.itemFault = () => {
      items += 1;
      return items % 10 < 3 ? overloaded : undefined;
    };
    const result = await run(broker, [searchJob(search, { batching: { records: 100 } })]);
    expect(result.jobs['search']).toEqual({
      records: 3_000,
      delivered: 3_000,
      filtered: 0,
      deadLettered: 0,
    });
    expect(requests).toBeGreaterThan(29);
    expect(search.documents.size).toBe(3_000);
    expect([...search.documents.values()].filter(({ writes }) => writes !== 1)).toEqual([]);
  });

  it('sends only the rejected items of a batch again', async () => {
    await using broker = await startTestBroker();
    await using search = await TestOpenSearchServer.start();
    await appendPoints(
      broker,
      Array.from({ length: 10 }, (_, index) =>
        valueOf({ ...point(DEVICE, MORNING), battery_percent: index }),
      ),
    );
    let rejections = 0;
    search.itemFault = ({ battery_percent: battery }) => {
      if (battery !== 4 || rejections === 2) return undefined;
      rejections += 1;
      return overloaded;
    };
    await run(broker, [searchJob(search)]);
    expect(search.bulkSizes).toEqual([10, 1, 1]);
    expect(search.documents.size).toBe(10);
  });

  it('keeps the first record of an event, even if it is stored last or all records are delivered again', async () => {
    await using broker = await startTestBroker();
    await using search = await TestOpenSearchServer.start();
    const event = point(DEVICE, MORNING);
    await appendPoints(
      broker,
      [1, 2, 3].map((battery) => valueOf({ ...event, battery_percent: battery })),
    );
    let isFirstSent = false;
    search.itemFault = ({ battery_percent: battery }) => {
      if (battery !== 1 || isFirstSent) return undefined;
      isFirstSent = true;
      return overloaded;
    };
    await run(broker, [searchJob(search)]);
    const stored = [...search.documents];
    expect(stored).toMatchObject([[expect.anything(), { source: { battery_percent: 1 }, writes: 2 }]]);
    const replay = await run(broker, [searchJob(search, { name: 'replay' })]);
    expect(replay.jobs['replay']).toMatchObject({ records: 3 });
    expect([...search.documents]).toEqual(stored);
  });

  it('counts a repeat of an event as filtered, and a document whose response was lost as delivered', async () => {
    await using broker = await startTestBroker();
    await using search = await TestOpenSearchServer.start();
    const repeated = valueOf(point(DEVICE, MORNING));
    await appendPoints(broker, [repeated, valueOf(point(DEVICE, MORNING)), repeated, repeated]);
    let requests = 0;
    search.fault = (path) => {
      if (path !== '/_bulk') return undefined;
      requests += 1;
      return requests === 1 ? 'reset-after' : undefined;
    };
    const { jobs } = await run(broker, [searchJob(search)]);
    expect(requests).toBe(2);
    expect(search.documents.size).toBe(2);
    expect(jobs['search']).toEqual({ records: 4, delivered: 2, filtered: 2, deadLettered: 0 });
  });

  it('dead-letters documents that the mapping refuses, with the reason, and stores the others', async () => {
    await using broker = await startTestBroker();
    await using search = await TestOpenSearchServer.start();
    const refused = { ...point(DEVICE, MORNING), battery_percent: 'full' };
    const { provider_id: _, ...withoutProvider } = point(DEVICE, MORNING);
    await appendPoints(broker, [
      ...Array.from({ length: 20 }, () => ({ deviceId: DEVICE })),
      valueOf(refused),
      valueOf(withoutProvider),
      ...Array.from({ length: 20 }, () => ({ deviceId: DEVICE, timeMs: MORNING + HOUR_MS })),
    ]);
    search.itemFault = ({ battery_percent: battery }) =>
      battery === 'full'
        ? { status: 400, type: 'mapper_parsing_exception', reason: 'failed to parse field [battery_percent]' }
        : undefined;
    const result = await run(broker, [searchJob(search)]);
    expect(result.jobs['search']).toEqual({ records: 42, delivered: 40, filtered: 0, deadLettered: 2 });
    expect(search.documents.size).toBe(40);
    const deadLetters = await deadLettersOf(broker);
    expect(deadLetters.toSorted((a, b) => a.reason.localeCompare(b.reason))).toEqual([
      {
        reason: expect.stringContaining('mapper_parsing_exception: failed to parse field [battery_percent]'),
        value: JSON.stringify(refused),
      },
      {
        reason: expect.stringContaining('provider_id: expected a string'),
        value: JSON.stringify(withoutProvider),
      },
    ]);
  });

  it('halves requests that are too large for the cluster', async () => {
    await using broker = await startTestBroker();
    await using search = await TestOpenSearchServer.start();
    search.maxBodyBytes = 4_096;
    const tooLarge = { ...point(DEVICE, MORNING), note: 'x'.repeat(5_000) };
    await appendPoints(broker, [
      ...Array.from({ length: 50 }, () => ({ deviceId: DEVICE })),
      valueOf(tooLarge),
    ]);
    const result = await run(broker, [searchJob(search)]);
    expect(result.jobs['search']).toEqual({ records: 51, delivered: 50, filtered: 0, deadLettered: 1 });
    expect(search.documents.size).toBe(50);
    expect(await deadLettersOf(broker)).toMatchObject([{ reason: expect.stringContaining('413') }]);
  });

  it('fails without dead letters if an index cannot be created', async () => {
    await using broker = await startTestBroker();
    await using search = await TestOpenSearchServer.start();
    await appendPoints(broker, [{}]);
    search.itemFault = () => ({
      status: 400,
      type: 'validation_exception',
      reason: 'this action would add [2] total shards',
    });
    await expect(run(broker, [searchJob(search)])).rejects.toThrow('total shards');
    expect(await deadLettersOf(broker)).toEqual([]);
    search.itemFault = () => undefined;
    await run(broker, [searchJob(search)]);
    expect(search.documents.size).toBe(1);
  });

  it('fails a run immediately if the credentials are wrong', async () => {
    await using broker = await startTestBroker();
    await using search = await TestOpenSearchServer.start();
    search.credentials = 'router:secret';
    await appendPoints(broker, [{}]);
    const job = searchJob(search);
    const wrong = { openSearch: { username: 'router', password: 'wrong' } };
    await expect(run(broker, [job], { credentials: wrong })).rejects.toThrow('responded 401');
    await run(broker, [job], { credentials: { openSearch: { username: 'router', password: 'secret' } } });
    expect(search.documents.size).toBe(1);
  });
});
