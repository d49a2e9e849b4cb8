import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { appendTransaction } from '../../src/testing.js';
import { PARTITIONS, step, TransactionRun } from '../broker/transaction-model.js';
import { TransactionalClient } from '../broker/transactional-client.js';
import { collect, expectContiguous, RangeBench, valuesOf, whole } from './_ranges.js';

const setup = new RangeBench();

describe('readRange, transactions', () => {
  it('agrees with a model while producers write, end, are fenced and restart', async () => {
    const reader = setup.openReader();
    const lists = async (topic: string): Promise<string[][]> => {
      const seen: string[][] = [];
      for (let partition = 0; partition < PARTITIONS; partition += 1) {
        for (const isolation of ['read_uncommitted', 'read_committed'] as const) {
          const batches = await collect(reader, {
            ranges: [{ topic, partition, from: 'earliest', to: 'latest' }],
            isolation,
            maxPartitionBytes: 300,
          });
          seen.push(valuesOf(batches, partition));
        }
      }
      return seen;
    };
    let runs = 0;
    const property = fc.asyncProperty(fc.array(step, { minLength: 60, maxLength: 60 }), async (steps) => {
      using client = await TransactionalClient.connect(setup.bench.broker.port);
      const topic = `rides-${runs++}`;
      await client.createTopic(topic, PARTITIONS, { 'segment.bytes': '1024' });
      const run = new TransactionRun(setup.bench.broker, client, topic);
      await run.start();
      for (const [index, each] of steps.entries()) {
        await run.take(each);
        if (index % 20 !== 19) continue;
        expect(await lists(topic)).toEqual((await run.compare()).expected);
      }
    });
    await fc.assert(property, { numRuns: 4, seed: 11, endOnFailure: true });
  }, 120_000);

  it('advances past offsets without records for the reader, up to the end', async () => {
    const topic = await setup.bench.topic(1);
    await setup.appendOneByOne(topic, 2);
    await appendTransaction(setup.bench.broker, { topic, values: ['a', 'b', 'c'], outcome: 'abort' });
    const batches = await collect(setup.openReader(), { ranges: whole(topic) });
    expect(valuesOf(batches)).toEqual(['0', '1']);
    expectContiguous(batches, { from: 0n, to: 6n });
  });

  it('ends before an open transaction, and waits for one that the range includes', async () => {
    const topic = await setup.bench.topic(1);
    const producer = setup.bench.kafkajs().producer({ transactionalId: randomUUID(), idempotent: true });
    await producer.connect();
    await setup.appendOneByOne(topic, 2);
    const open = await producer.transaction();
    await open.send({ topic, messages: [{ value: 'open' }] });
    await setup.appendOneByOne(topic, 2, { first: 2 });
    const stable = await collect(setup.openReader(), { ranges: whole(topic) });
    expectContiguous(stable, { from: 0n, to: 2n });
    const uncommitted = await collect(setup.openReader(), {
      ranges: whole(topic),
      isolation: 'read_uncommitted',
    });
    expect(valuesOf(uncommitted)).toEqual(['0', '1', 'open', '2', '3']);
    const ranges = [{ topic, from: 0n, to: 5n }];
    const impatient = setup.openReader({ stallTimeoutMs: 200 });
    await expect(collect(impatient, { ranges })).rejects.toMatchObject({
      code: 'TIMED_OUT',
      retryable: true,
      message: expect.stringMatching(/a transaction is open/),
    });
    const waiting = collect(setup.openReader(), { ranges });
    await open.commit();
    await producer.disconnect();
    expect(valuesOf(await waiting)).toEqual(['0', '1', 'open', '2', '3']);
  });
});
