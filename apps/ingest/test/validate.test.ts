import { eventRegistry, type EventFamily } from '@hailstream/events';
import { createAdmin } from '@hailstream/log';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { Random } from '@hailstream/service/testing';
import { randomUUID } from 'node:crypto';
import { createLogger } from '@hailstream/service/logging';
import { describe, expect, it } from 'vitest';
import { PROVIDER, ready, startIngest, telemetryPoint, type TestIngest } from './_util.js';

const BODIES = 150;

describe('POST /validate', () => {
  it('responds as the endpoint does to any body, and writes nothing', { timeout: 120_000 }, async () => {
    await using broker = await startTestBroker();
    await using ingest = await startIngest({ port: broker.port });
    await ready(ingest);
    const random = new Random(20_261_129);
    const statuses = new Set<number>();
    for (let round = 0; round < BODIES; round += 1) {
      const family = random.pick(eventRegistry.families);
      const body = anyBody(family, random);
      const before = await ends(broker);
      const dryRun = await send(ingest, `/validate${family.path}`, body);
      expect(await ends(broker)).toEqual(before);
      const real = await send(ingest, family.path, body);
      expect({ ...dryRun, warnings: undefined }, body.toString().slice(0, 300)).toEqual({
        ...real,
        warnings: undefined,
      });
      statuses.add(real.status);
    }
    expect([...statuses].toSorted()).toEqual([201, 400]);
  });

  it('has warnings with cause and fix, and needs no log', async () => {
    const broker = await startTestBroker();
    await using ingest = await startIngest({ port: broker.port });
    await ready(ingest);
    await broker.stop();
    const points = [
      telemetryPoint({ timestamp: Date.now() + 60_000 }),
      telemetryPoint({ timestamp: 1_760_000_000 }),
    ];
    const { status, body } = await ingest.post('/validate/telemetry', points);
    expect(status).toBe(201);
    expect(body).toMatchObject({
      success: 1,
      total: 2,
      failures: [{ index: 1, error: 'bad_param' }],
      warnings: [
        { warning: 'timestamp-in-seconds', count: 1, indexes: [1], fix: 'Multiply by 1,000.' },
        { warning: 'clock-ahead', count: 1, indexes: [0], cause: expect.any(String) },
      ],
    });
  });

  it('requires the same token, type and size', async () => {
    await using broker = await startTestBroker();
    await using ingest = await startIngest({
      port: broker.port,
      env: { INGEST_HTTP_BODY_LIMIT_BYTES: '2000' },
    });
    const path = '/validate/telemetry';
    expect(await ingest.post(path, [], { token: null })).toMatchObject({ status: 401 });
    expect(await ingest.post(path, [], { headers: { 'content-type': 'text/plain' } })).toMatchObject({
      status: 415,
    });
    expect(
      await ingest.post(
        path,
        Array.from({ length: 50 }, () => telemetryPoint()),
      ),
    ).toMatchObject({ status: 413 });
    expect(
      await ingest.post(path, [], { headers: { accept: 'application/vnd.mds+json;version=1.2' } }),
    ).toMatchObject({ status: 406 });
  });
});

/** The status and body of a response. The time of receipt, which errors have, differs between requests. */
async function send(
  ingest: TestIngest,
  path: string,
  body: Buffer,
): Promise<{ readonly status: number; readonly text: unknown }> {
  const { status, body: answer } = await ingest.request({ path, body });
  const { warnings: _, ...rest } = answer as unknown as Record<string, unknown>;
  const text = JSON.stringify(rest)
    .replaceAll(/receipt, [\dTZ:.-]+/g, 'receipt')
    .replaceAll('/validate/', '/');
  return { status, text: JSON.parse(text) as unknown };
}

async function ends(broker: TestBroker): Promise<unknown> {
  await using admin = createAdmin({
    connection: { brokers: [broker.address], clientId: 'test' },
    logger: createLogger({ name: 'test', level: 'silent' }),
  });
  return await Promise.all(
    eventRegistry.families.map(async ({ topic: { name } }) => [name, await admin.offsets(name)]),
  );
}

/** Valid items, items with changes, other JSON, or no JSON. */
function anyBody(family: EventFamily, random: Random): Buffer {
  if (random.chance(0.08)) return random.bytes(1 + random.below(200));
  if (random.chance(0.08))
    return Buffer.from(JSON.stringify(random.pick([null, 1, 'text', {}, family.example, [null], [[]], []])));
  const items = Array.from({ length: random.below(6) }, () => anyItem(family, random));
  const text = JSON.stringify(items);
  return Buffer.from(random.chance(0.05) ? text.slice(0, random.below(text.length)) : text);
}

function anyItem(family: EventFamily, random: Random): unknown {
  const now = Date.now();
  const item: Record<string, unknown> = {
    ...family.example,
    [family.fields.id]: randomUUID(),
    provider_id: PROVIDER,
    [family.fields.time]: now,
  };
  if ('start_time' in item) item['start_time'] = now - 600_000;
  for (let count = random.below(4); count > 0 && random.chance(0.6); count -= 1) mutate(item, random, now);
  return item;
}

function mutate(item: Record<string, unknown>, random: Random, now: number): void {
  const name = random.pick(Object.keys(item));
  const value = item[name];
  if (typeof value === 'object' && value !== null && random.chance(0.5)) {
    const inner: Record<string, unknown> = { ...value };
    if (Object.keys(inner).length > 0) mutate(inner, random, now);
    item[name] = inner;
    return;
  }
  const day = 86_400_000;
  const others = [
    undefined,
    null,
    '',
    'x',
    -1,
    0,
    1.5,
    1e300,
    true,
    [],
    {},
    now / 1_000,
    now + day,
    now - 3_000 * day,
    randomUUID(),
  ];
  if (random.chance(0.1)) item[`field${random.below(9)}`] = value;
  else item[name] = random.pick(others);
}
