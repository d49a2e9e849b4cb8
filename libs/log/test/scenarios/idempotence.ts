import { until } from '@hailstream/service/testing';
import { expect } from 'vitest';
import { ErrorCode } from '../../src/protocol/error-codes.js';
import { Api, named } from './apis.js';
import type { LogUnderTest } from './log-under-test.js';
import { area, each } from './scenario.js';
import { batchOf, type TopicUnderTest } from './topic-under-test.js';

interface ProducerId {
  readonly errorCode: number;
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

const LARGEST_SEQUENCE = 0x7fffffff;

async function initProducerId(log: LogUnderTest, version = 4, fields: object = {}) {
  let answer: ProducerId | undefined;
  // The broker may have to request a block of producer ids from the controller first.
  await until(async () => {
    answer = await log.ask<ProducerId>(Api.InitProducerId, version, {
      transactionalId: null,
      transactionTimeoutMs: 60_000,
      producerId: -1n,
      producerEpoch: -1,
      ...fields,
    });
    return answer.errorCode !== ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;
  });
  return named(answer as ProducerId);
}

/** An idempotent producer for one partition. */
class Producer {
  private constructor(
    private readonly topic: TopicUnderTest,
    readonly producerId: bigint,
  ) {}

  static async start(log: LogUnderTest): Promise<{ topic: TopicUnderTest; producer: Producer }> {
    const topic = await log.topic();
    const { producerId } = await initProducerId(log);
    return { topic, producer: new Producer(topic, producerId) };
  }

  async send(baseSequence: number, values: readonly string[] = ['a'], producerEpoch = 0) {
    const { producerId } = this;
    const batch = batchOf(values, { producerId, producerEpoch, baseSequence });
    const { error, baseOffset } = await this.topic.produce(batch);
    return { error, baseOffset };
  }
}

const TAKEN = { error: 'NONE' };

export const idempotenceArea = area('an idempotent producer', {
  ...each([0, 1, 2, 3, 4], 'receives a new producer id from InitProducerId $', async (log, version) => {
    const first = await initProducerId(log, version);
    const second = await initProducerId(log, version);
    expect([first, second]).toMatchObject([
      { error: 'NONE', producerEpoch: 0 },
      { error: 'NONE', producerEpoch: 0 },
    ]);
    expect(second.producerId).not.toBe(first.producerId);
  }),
  'receives a new producer id if it sends zeros': async (log) => {
    const { producerId } = await initProducerId(log);
    const again = await initProducerId(log, 4, { producerId: 0n, producerEpoch: 0 });
    expect(again).toMatchObject({ error: 'NONE', producerEpoch: 0 });
    expect(again.producerId).not.toBe(producerId);
  },
  'that repeats a batch receives the offset of the stored one': async (log) => {
    const { topic, producer } = await Producer.start(log);
    expect(await producer.send(0, ['a', 'b'])).toEqual({ error: 'NONE', baseOffset: 0n });
    expect(await producer.send(2, ['c'])).toEqual({ error: 'NONE', baseOffset: 2n });
    expect(await producer.send(0, ['a', 'b'])).toEqual({ error: 'NONE', baseOffset: 0n });
    expect(await producer.send(2, ['c'])).toEqual({ error: 'NONE', baseOffset: 2n });
    expect(await topic.values()).toEqual(['a', 'b', 'c']);
  },
  'may repeat each of its last five batches': async (log) => {
    const { topic, producer } = await Producer.start(log);
    for (let i = 0; i < 6; i++) await producer.send(i, [String(i)]);
    for (let i = 1; i < 6; i++)
      expect(await producer.send(i, [String(i)])).toEqual({ error: 'NONE', baseOffset: BigInt(i) });
    expect((await producer.send(0, ['0'])).error).not.toBe('NONE');
    expect(await topic.values()).toEqual(['0', '1', '2', '3', '4', '5']);
  },
  'that repeats an older batch receives OUT_OF_ORDER_SEQUENCE_NUMBER': async (log) => {
    const { producer } = await Producer.start(log);
    for (let i = 0; i < 7; i++) await producer.send(i);
    expect((await producer.send(0)).error).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
  },
  'is refused with a gap in its sequence numbers': async (log) => {
    const { topic, producer } = await Producer.start(log);
    await producer.send(0, ['a']);
    expect((await producer.send(2, ['c'])).error).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(await producer.send(1, ['b'])).toMatchObject(TAKEN);
    expect(await topic.values()).toEqual(['a', 'b']);
  },
  'is refused with a batch that overlaps a stored one': async (log) => {
    const { producer } = await Producer.start(log);
    await producer.send(0, ['a', 'b', 'c']);
    expect((await producer.send(2, ['c', 'd'])).error).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
  },
  'may start with any sequence number if the partition does not know it': async (log) => {
    const { producer } = await Producer.start(log);
    expect(await producer.send(41)).toMatchObject(TAKEN);
    expect(await producer.send(42)).toMatchObject(TAKEN);
  },
  'continues at zero after the largest sequence number': async (log) => {
    const { topic, producer } = await Producer.start(log);
    expect(await producer.send(LARGEST_SEQUENCE - 1, ['a', 'b', 'c'])).toMatchObject(TAKEN);
    expect(await producer.send(1, ['d'])).toMatchObject(TAKEN);
    expect(await producer.send(LARGEST_SEQUENCE - 1, ['a', 'b', 'c'])).toEqual({
      error: 'NONE',
      baseOffset: 0n,
    });
    expect(await topic.values()).toEqual(['a', 'b', 'c', 'd']);
  },
  'with a newer epoch starts at zero': async (log) => {
    const { producer } = await Producer.start(log);
    await producer.send(0);
    expect((await producer.send(1, ['a'], 1)).error).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER');
    expect(await producer.send(0, ['a'], 1)).toMatchObject(TAKEN);
  },
  'with an older epoch is fenced': async (log) => {
    const { topic, producer } = await Producer.start(log);
    await producer.send(0, ['a'], 1);
    expect((await producer.send(1, ['b'], 0)).error).toBe('INVALID_PRODUCER_EPOCH');
    expect(await topic.values()).toEqual(['a']);
  },
  'is refused without a sequence number': async (log) => {
    const { producer } = await Producer.start(log);
    expect((await producer.send(-1)).error).toBe('INVALID_RECORD');
  },
  'is not assumed if a batch has sequence numbers without a producer id': async (log) => {
    const topic = await log.topic();
    const fields = { producerId: -1n, producerEpoch: 0, baseSequence: 0 };
    for (let i = 0; i < 2; i++) expect((await topic.produce(batchOf(['a'], fields))).error).toBe('NONE');
    expect(await topic.values()).toEqual(['a', 'a']);
  },
  'has a sequence per partition': async (log) => {
    const topic = await log.topic({ numPartitions: 2 });
    const { producerId } = await initProducerId(log);
    for (const partition of [0, 1]) {
      const batch = batchOf(['a'], { producerId, producerEpoch: 0, baseSequence: 0 });
      expect(await topic.produce(batch, { partition })).toMatchObject({ error: 'NONE', baseOffset: 0n });
    }
  },
});
