import { deadLetterTopic, telemetryFamily } from '@hailstream/events';
import type { DeadLetterDetail, DeadLetterPage } from '@hailstream/events/dead-letters';
import { createDeadLetterQueue, type DeadLetterRecord } from '@hailstream/log';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { makeToken } from '@hailstream/service/tokens';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { OTHER_PROVIDER, PROVIDER } from '../src/fold/events.fixture.js';
import { createTopics, getJson, SECRET, startRealtime } from './_util.js';

const { topic, example } = telemetryFamily;

interface Refused {
  readonly offset: number;
  readonly groupId?: string;
  readonly provider?: string;
  readonly value?: Buffer;
}

async function writeLetters(broker: TestBroker, refused: readonly Refused[]): Promise<void> {
  await createTopics(broker.address);
  await using queue = createDeadLetterQueue({
    connection: { brokers: [broker.address], clientId: 'test' },
    logger: pino({ level: 'silent' }),
    topic: deadLetterTopic.name,
  });
  await queue.write(
    refused.map(
      ({
        offset,
        groupId = 'router-search',
        provider = PROVIDER,
        value,
      }): DeadLetterRecord & { kind: 'record' } => ({
        kind: 'record',
        topic: topic.name,
        partition: 0,
        record: {
          offset: BigInt(offset),
          key: Buffer.from(`vehicle-${offset}`),
          value: value ?? Buffer.from(JSON.stringify({ ...example, provider_id: provider })),
          headers: { trace: Buffer.from('t') },
          timestampMs: 1_700_000_000_000,
        },
        groupId,
        attempts: 2,
        reason: new TypeError(`field of record ${offset} is invalid`),
      }),
    ),
  );
}

/** A realtime service that requires tokens. Requests use a token for all providers or for one. */
async function startWithTokens(broker: TestBroker) {
  const realtime = await startRealtime(broker.address, { AUTH_JWT_SECRET: SECRET });
  const ask = async <T>(path: string, providerId?: string) => {
    const token = await makeToken(SECRET, { scopes: ['read'], ...(providerId && { providerId }) }, '1 hour');
    return getJson<T>(`${realtime.url}/dead-letters${path}`, token);
  };
  return {
    ...realtime,
    ask,
    list: async (query = '', providerId?: string) => (await ask<DeadLetterPage>(query, providerId)).body,
    record: (id: string, providerId?: string) =>
      ask<DeadLetterDetail>(`/record?id=${encodeURIComponent(id)}`, providerId),
  };
}

describe('GET /dead-letters', () => {
  it('has groups, the latest dead letters in pages, and filters', async () => {
    await using broker = await startTestBroker();
    await writeLetters(
      broker,
      Array.from({ length: 5 }, (_, offset) => ({ offset })),
    );
    await writeLetters(broker, [{ offset: 9, groupId: 'router-lake' }]);
    await using realtime = await startWithTokens(broker);
    const all = await realtime.list();
    expect(all).toMatchObject({ total: 6, isCurrent: true, truncated: false, next: null });
    expect(all.groups.toSorted((one, other) => one.count - other.count)).toMatchObject([
      { group: 'router-lake', topic: topic.name, count: 1, pattern: 'field of record # is invalid' },
      { group: 'router-search', count: 5, redriven: 0 },
    ]);
    expect((await realtime.list('?group=router-lake')).deadLetters).toMatchObject([
      { offset: '9', attempts: 2 },
    ]);
    expect(await realtime.list('?reason=record%203')).toMatchObject({ total: 1 });
    expect(await realtime.list('?since=2999-01-01')).toMatchObject({ total: 0 });

    const ids: string[] = [];
    for (let cursor = ''; ;) {
      const page = await realtime.list(`?limit=4${cursor}`);
      ids.push(...page.deadLetters.map(({ id }) => id));
      if (page.next === null) break;
      cursor = `&cursor=${page.next}`;
    }
    expect(ids).toEqual(all.deadLetters.map(({ id }) => id));

    await writeLetters(broker, [{ offset: 10 }]);
    await expect.poll(async () => (await realtime.list()).total, { timeout: 20_000 }).toBe(7);
  });

  it('has the record of a dead letter', async () => {
    await using broker = await startTestBroker();
    await writeLetters(broker, [{ offset: 1, value: Buffer.from('not JSON') }]);
    await using realtime = await startWithTokens(broker);
    const [letter] = (await realtime.list()).deadLetters;
    expect(await realtime.record(letter!.id)).toMatchObject({
      status: 200,
      body: {
        ...letter,
        reason: 'field of record 1 is invalid',
        errorName: 'TypeError',
        key: { content: 'vehicle-1' },
        headers: [{ name: 'trace', value: { content: 't' } }],
        value: { content: 'not JSON', encoding: 'utf8', sizeBytes: 8, isTruncated: false },
      },
    });
    expect((await realtime.record('another')).status).toBe(404);
  });

  it('sends the first bytes of a large value', async () => {
    await using broker = await startTestBroker();
    await writeLetters(broker, [{ offset: 1, value: Buffer.alloc(100_001, 'é') }]);
    await using realtime = await startWithTokens(broker);
    const [letter] = (await realtime.list()).deadLetters;
    const { value } = (await realtime.record(letter!.id)).body;
    expect(value).toMatchObject({ sizeBytes: 100_001, isTruncated: true, encoding: 'utf8' });
    expect(value!.content).toBe('é'.repeat(32_768));
  });

  it('shows a provider the dead letters of its own events only', async () => {
    await using broker = await startTestBroker();
    await writeLetters(broker, [
      { offset: 1 },
      { offset: 2, provider: OTHER_PROVIDER },
      { offset: 3, value: Buffer.from('not JSON') },
      { offset: 4, value: Buffer.from('null') },
    ]);
    await using realtime = await startWithTokens(broker);
    expect((await realtime.list()).total).toBe(4);
    const own = await realtime.list('', OTHER_PROVIDER);
    expect(own).toMatchObject({ total: 1, groups: [{ count: 1 }], deadLetters: [{ offset: '2' }] });
    for (const { id, offset } of (await realtime.list()).deadLetters) {
      expect((await realtime.record(id, OTHER_PROVIDER)).status).toBe(offset === '2' ? 200 : 404);
    }
  });

  it('requires the scope read, and explains an invalid query', async () => {
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    await using realtime = await startWithTokens(broker);
    expect((await getJson(`${realtime.url}/dead-letters`)).status).toBe(401);
    expect((await getJson(`${realtime.url}/dead-letters/record?id=x`)).status).toBe(401);
    for (const query of [
      'limit=0',
      'limit=501',
      'since=yesterday',
      'cursor=x',
      'all=maybe',
      'group=a&group=b',
    ]) {
      expect(await realtime.ask(`?${query}`)).toMatchObject({
        status: 400,
        body: { errors: [{ field: query.split('=')[0] }] },
      });
    }
  });

  it('responds with what it knows while the log is unreachable', async () => {
    const broker = await startTestBroker();
    await writeLetters(broker, [{ offset: 1 }]);
    await using realtime = await startWithTokens(broker);
    expect(await realtime.list()).toMatchObject({ total: 1, isCurrent: true });
    await broker[Symbol.asyncDispose]();
    await expect.poll(async () => (await realtime.list()).isCurrent, { timeout: 20_000 }).toBe(false);
    expect(await realtime.list()).toMatchObject({ total: 1, isCurrent: false });
  });
});
