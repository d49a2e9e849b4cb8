import { createAdmin, type TopicPartition } from '@hailstream/log';
import { spoilBatch, startTestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { describe, expect, it } from 'vitest';
import { parseRouterFile } from '../src/router-file/router-file.js';
import type { BatchResult, BatchSink, RoutedBatch } from '../src/sinks/batch-sink.js';
import type { DeliveryCounts } from '../src/sinks/delivery.js';
import { Semaphore } from '../src/sinks/semaphore.js';
import { SinkError } from '../src/sinks/sink.errors.js';
import { StreamDelivery } from '../src/sinks/stream-delivery.js';
import { appendPoints, connectionTo, deadLettersOf, silent, TELEMETRY } from './_util.js';

const [spec] = parseRouterFile(
  `
jobs:
  - name: stream
    topics: [ride.telemetry]
    filter: battery_percent != 7
    sink: { type: opensearch, url: 'http://127.0.0.1:9200', index: ride }
    batching: { records: 100 }
    concurrency: 2
`,
  'router.yaml',
);

type Deliver = (batch: RoutedBatch) => Promise<BatchResult>;

/** A sink that keeps what it is sent, and the counts and failures of its delivery. */
class Recorder {
  readonly delivered: string[] = [];
  readonly failures: string[] = [];
  readonly recovered: TopicPartition[] = [];
  counts: DeliveryCounts = { records: 0, delivered: 0, filtered: 0, deadLettered: 0 };
  deliver: Deliver = () => Promise.resolve({ refused: [] });
  check: () => Promise<void> = () => Promise.resolve();

  open(broker: { readonly address: string }): StreamDelivery {
    const sink: BatchSink = {
      check: () => this.check(),
      deliver: async (batch) => {
        const result = await this.deliver(batch);
        this.delivered.push(...batch.records.map(({ event }) => String(event['telemetry_id'])));
        return result;
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
    const connection = connectionTo(broker);
    const options = {
      spec: spec!,
      groupId: 'router-stream',
      connection,
      logger: silent,
      observer: this.observer,
      semaphore: new Semaphore(spec!.concurrency),
    };
    return new StreamDelivery(options, sink);
  }

  readonly observer = {
    delivered: (_: TopicPartition, counts: DeliveryCounts) => {
      const { records, delivered, filtered, deadLettered } = this.counts;
      this.counts = {
        records: records + counts.records,
        delivered: delivered + counts.delivered,
        filtered: filtered + counts.filtered,
        deadLettered: deadLettered + counts.deadLettered,
      };
    },
    failed: (_: TopicPartition, error: Error) => void this.failures.push(error.message),
    recovered: (partition: TopicPartition) => void this.recovered.push(partition),
    gap: () => undefined,
  };
}

function json(event: object): { value: Buffer } {
  return { value: Buffer.from(JSON.stringify(event)) };
}

describe(StreamDelivery, () => {
  it('counts delivered and filtered records, and dead-letters unreadable and refused ones', async () => {
    await using broker = await startTestBroker();
    await appendPoints(broker, [
      ...Array.from({ length: 500 }, () => ({})),
      { value: Buffer.from('not JSON') },
      json({ battery_percent: 7 }),
      json({ battery_percent: 8, telemetry_id: 'refused' }),
    ]);
    const recorder = new Recorder();
    recorder.deliver = ({ records }) =>
      Promise.resolve({
        refused: records
          .filter(({ event }) => event['telemetry_id'] === 'refused')
          .map(({ record }) => ({
            record,
            reason: new SinkError('REFUSED', 'not accepted', { retryable: false }),
          })),
      });
    await using delivery = recorder.open(broker);
    await delivery.start();
    await until(() => recorder.counts.records === 503);
    expect(recorder.counts).toEqual({ records: 503, delivered: 500, filtered: 1, deadLettered: 2 });
    const deadLetters = await deadLettersOf(broker);
    expect(deadLetters.map(({ reason }) => reason).toSorted()).toEqual([
      'not accepted',
      expect.stringContaining('the value is not JSON'),
    ]);
    expect(recorder.failures).toEqual([]);
  });

  it('counts a batch that cannot be decoded as one dead letter', async () => {
    await using broker = await startTestBroker();
    const deviceId = 'd';
    await appendPoints(broker, [{ deviceId }, { deviceId }]);
    await using admin = createAdmin({ connection: connectionTo(broker), logger: silent });
    const offsets = await admin.offsets(TELEMETRY);
    const [partition] = [...offsets].find(([, { latest }]) => latest > 0n)!;
    await spoilBatch(broker, { topic: TELEMETRY, partition, offset: 0n });
    await appendPoints(broker, [{ deviceId }, { deviceId }, { deviceId }]);
    const recorder = new Recorder();
    await using delivery = recorder.open(broker);
    await delivery.start();
    await until(() => recorder.counts.delivered === 3);
    expect(recorder.counts).toEqual({ records: 4, delivered: 3, filtered: 0, deadLettered: 1 });
    expect(await deadLettersOf(broker)).toHaveLength(1);
  });

  it('repeats a batch until the sink accepts it, whether or not its error is retryable', async () => {
    await using broker = await startTestBroker();
    await appendPoints(
      broker,
      Array.from({ length: 50 }, () => ({ deviceId: 'd' })),
    );
    const recorder = new Recorder();
    recorder.deliver = () => {
      if (recorder.failures.length === 6) return Promise.resolve({ refused: [] });
      return Promise.reject(new SinkError('ACCESS_DENIED', 'wrong password', { retryable: false }));
    };
    await using delivery = recorder.open(broker);
    await delivery.start();
    await until(() => recorder.counts.delivered === 50);
    expect(recorder.failures).toEqual(Array.from({ length: 6 }, () => 'wrong password'));
    expect(recorder.recovered).toHaveLength(1);
    expect(recorder.delivered).toHaveLength(50);
    expect(await deadLettersOf(broker)).toEqual([]);
  });

  it('sends no batches to a sink that is down, until a check succeeds', async () => {
    await using broker = await startTestBroker();
    await appendPoints(
      broker,
      Array.from({ length: 2_000 }, () => ({})),
    );
    const recorder = new Recorder();
    let isDown = false;
    let batches = 0;
    let checks = 0;
    recorder.deliver = () => {
      batches += 1;
      return isDown ? Promise.reject(new Error('no connection')) : Promise.resolve({ refused: [] });
    };
    recorder.check = () => {
      checks += 1;
      return isDown ? Promise.reject(new Error('check failed')) : Promise.resolve();
    };
    await using delivery = recorder.open(broker);
    await delivery.start();
    isDown = true;
    await until(() => checks === 5);
    // Two failures, and a batch that was sent at the same time as the second one.
    expect(batches).toBeLessThanOrEqual(3);
    expect(recorder.failures).toContain('check failed');
    expect(delivery.lagRecords()).toBeGreaterThan(0n);
    isDown = false;
    await until(() => recorder.counts.delivered === 2_000);
    expect(recorder.recovered.length).toBeGreaterThan(0);
  });

  it('delivers as many batches at the same time as the job allows', async () => {
    await using broker = await startTestBroker();
    await appendPoints(
      broker,
      Array.from({ length: 2_000 }, () => ({})),
    );
    const recorder = new Recorder();
    let current = 0;
    let highest = 0;
    recorder.deliver = async () => {
      current += 1;
      highest = Math.max(highest, current);
      if (highest < 2) await until(() => highest === 2);
      await new Promise((resolve) => setImmediate(resolve));
      current -= 1;
      return { refused: [] };
    };
    await using delivery = recorder.open(broker);
    await delivery.start();
    await until(() => recorder.counts.delivered === 2_000);
    expect(highest).toBe(2);
  });

  it('stays paused when another process joins and leaves the group, and delivers after it is resumed', async () => {
    await using broker = await startTestBroker();
    await appendPoints(broker, []);
    const recorder = new Recorder();
    await using delivery = recorder.open(broker);
    await delivery.start();
    delivery.pause();
    {
      await using other = new Recorder().open(broker);
      await other.start();
      // Those of the topic, and the one of the erasures.
      await until(() => Math.min(other.assignedPartitions, delivery.assignedPartitions) === 6);
    }
    await until(() => delivery.assignedPartitions === 13);
    await appendPoints(
      broker,
      Array.from({ length: 60 }, () => ({})),
    );
    await until(() => delivery.lagRecords() === 60n);
    expect(recorder.delivered).toEqual([]);
    delivery.resume();
    await until(() => recorder.counts.delivered === 60);
  });
});
