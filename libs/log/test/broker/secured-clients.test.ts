import { randomUUID } from 'node:crypto';
import { until } from '@hailstream/service/testing';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createAdmin,
  createBatchConsumer,
  createRangeReader,
  createProducer,
  type LogConnection,
} from '../../src/client/index.js';
import type { TestBroker } from '../../src/testing.js';
import { certificate, PASSWORD, pem, startSecuredBroker, TLS_SETTINGS, USER } from './secured-broker.js';

const logger = pino({ level: 'silent' });
const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;
const TOPIC = 'rides';

function connectionTo(broker: TestBroker, security: Partial<LogConnection>): LogConnection {
  return { brokers: [broker.address], clientId: 'test', ...security };
}

/**
 * Creates a topic, appends a record and reads it.
 * @returns the value that was read
 */
async function roundTrip(connection: LogConnection): Promise<string[]> {
  await using admin = createAdmin({ connection, logger });
  await admin.ensureTopics([{ name: TOPIC, partitions: 2 }]);
  expect((await admin.identities([TOPIC])).get(TOPIC)?.topicId).toMatch(/^[\w-]{22}$/);
  await using producer = createProducer({ connection, logger });
  const results = await producer.send([{ topic: TOPIC, key: 'k', value: Buffer.from('hello') }]);
  expect(results).toMatchObject([{ kind: 'appended' }]);
  const values: string[] = [];
  await using consumer = createBatchConsumer({
    connection,
    logger,
    groupId: `group-${randomUUID()}`,
    topics: [TOPIC],
    offsets: { kind: 'everything-since', timestampMs: 0 },
    handler: async ({ records }) => {
      values.push(...records.map(({ value }) => String(value)));
    },
  });
  await consumer.start();
  await until(() => values.length > 0);
  await using reader = createRangeReader({ connection, logger });
  const ranges = [{ topic: TOPIC, from: 'earliest', to: 'latest' }] as const;
  const ranged: string[] = [];
  for await (const { records } of await reader.readRange({ ranges })) {
    ranged.push(...records.map(({ value }) => String(value)));
  }
  expect(ranged).toEqual(values);
  return values;
}

describe('clients of a broker that requires authentication', () => {
  let broker: TestBroker;
  beforeEach(async () => {
    broker = await startSecuredBroker();
  });
  afterEach(() => broker.stop());

  it.each(MECHANISMS)('produce and consume, with %s', async (mechanism) => {
    const sasl = { mechanism, username: USER, password: PASSWORD };
    expect(await roundTrip(connectionTo(broker, { sasl }))).toEqual(['hello']);
  });

  it.each(MECHANISMS)('are refused with a wrong password, without retries, with %s', async (mechanism) => {
    const sasl = { mechanism, username: USER, password: 'wrong' };
    const connection = connectionTo(broker, { sasl });
    const refused = { name: 'LogError', code: 'REFUSED', retryable: false };
    await using admin = createAdmin({ connection, logger });
    await expect(admin.offsets(TOPIC)).rejects.toMatchObject({
      ...refused,
      message: expect.stringMatching(/invalid user name or password/),
    });
    await using consumer = createBatchConsumer({
      connection,
      logger,
      groupId: 'readers',
      topics: [TOPIC],
      offsets: { kind: 'committed', startAt: 'earliest' },
      handler: async () => undefined,
    });
    await expect(consumer.start()).rejects.toMatchObject(refused);
    await using reader = createRangeReader({ connection, logger });
    const ranges = [{ topic: TOPIC, from: 'earliest', to: 'latest' }] as const;
    await expect(reader.readRange({ ranges })).rejects.toMatchObject(refused);
    await using producer = createProducer({ connection, logger });
    const results = await producer.send([{ topic: TOPIC, key: 'k', value: Buffer.from('hello') }]);
    expect(results).toMatchObject([{ kind: 'failed', error: refused }]);
  });

  it('are refused without a user name', async () => {
    await using admin = createAdmin({ connection: connectionTo(broker, {}), logger });
    expect(await admin.ping()).toBe(false);
  });
});

describe('clients of a broker with TLS', () => {
  it('trust its certificate authority and authenticate over TLS', async () => {
    await using broker = await startSecuredBroker({
      'listener.security.protocol': 'SASL_SSL',
      ...TLS_SETTINGS,
    });
    const ssl = { ca: await pem('ca.crt') };
    const sasl = { mechanism: 'plain', username: USER, password: PASSWORD } as const;
    expect(await roundTrip(connectionTo(broker, { ssl, sasl }))).toEqual(['hello']);
    for (const other of [{ ssl: true, sasl }, { sasl }]) {
      await using admin = createAdmin({ connection: connectionTo(broker, other), logger });
      expect(await admin.ping()).toBe(false);
    }
  });

  it('present a client certificate if it is required', async () => {
    await using broker = await startSecuredBroker({
      'listener.security.protocol': 'SSL',
      'sasl.users.file': '',
      ...TLS_SETTINGS,
      'ssl.client.auth': 'required',
      'ssl.ca.location': certificate('ca.crt'),
    });
    const ca = await pem('ca.crt');
    const ssl = { ca, cert: await pem('client.crt'), key: await pem('client.key') };
    expect(await roundTrip(connectionTo(broker, { ssl }))).toEqual(['hello']);
    await using admin = createAdmin({ connection: connectionTo(broker, { ssl: { ca } }), logger });
    expect(await admin.ping()).toBe(false);
  });
});
