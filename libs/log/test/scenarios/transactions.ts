import { until } from '@hailstream/service/testing';
import { expect } from 'vitest';
import { area } from './scenario.js';
import { ANSWERS, transactionSteps } from './transaction-steps.js';
import { TransactionalClient } from '../broker/transactional-client.js';
import type { LogUnderTest } from './log-under-test.js';

const READ_COMMITTED = 1;
const LATEST = -1n;

function portOf(log: LogUnderTest): number {
  return Number((log.addresses[0] as string).split(':').at(-1));
}

/** A topic, and a producer with an open transaction on it. */
async function begin(log: LogUnderTest) {
  const topic = await log.topic();
  const client = await TransactionalClient.connect(portOf(log));
  const transactionalId = log.name();
  await client.patiently(() => client.locate('transaction', transactionalId));
  await client.patiently(() => client.init(transactionalId));
  const producer = await client.begin(transactionalId);
  await client.add(producer, topic.name, [0]);
  return { topic, client, producer };
}

export const transactionsArea = area('a transaction', {
  'is answered in every step as by Apache Kafka': async (log) => {
    const { name } = await log.topic({ numPartitions: 3 });
    expect(await transactionSteps(portOf(log), name)).toEqual(ANSWERS);
  },
  'is visible to read_committed after its commit, and blocks later records until then': async (log) => {
    const { topic, client, producer } = await begin(log);
    using _connection = client;
    await client.produce(producer, topic.name, 0, ['in it']);
    await topic.append(['behind it']);
    expect(await topic.values({ isolationLevel: READ_COMMITTED })).toEqual([]);
    expect(await topic.values()).toEqual(['in it', 'behind it']);
    expect(await topic.fetch()).toMatchObject({ highWatermark: 2n, lastStableOffset: 0n });
    expect(await topic.offsetAt(LATEST, { isolationLevel: READ_COMMITTED })).toMatchObject({ offset: 0n });
    expect(await client.end(producer, 'commit')).toMatchObject({ error: 'NONE' });
    await until(async () => (await topic.fetch()).lastStableOffset === 3n);
    expect(await topic.values({ isolationLevel: READ_COMMITTED })).toEqual(['in it', 'behind it']);
  },
  'that is aborted is listed in Fetch responses, and read_committed readers skip it': async (log) => {
    const { topic, client, producer } = await begin(log);
    using _connection = client;
    await topic.append(['before it']);
    await client.produce(producer, topic.name, 0, ['in it']);
    expect(await client.end(producer, 'abort')).toMatchObject({ error: 'NONE' });
    await until(async () => (await topic.fetch()).lastStableOffset === 3n);
    const { abortedTransactions } = await topic.fetch({ isolationLevel: READ_COMMITTED });
    expect(abortedTransactions).toEqual([{ producerId: producer.producerId, firstOffset: 1n }]);
  },
});
