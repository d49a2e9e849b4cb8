import { telemetryFamily } from '@hailstream/events';
import { appendTransaction, spoilBatch, startTestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { describe, expect, it } from 'vitest';
import { id, telemetry } from '../src/fold/events.fixture.js';
import { append, createTopics, getJson, startRealtime, untilReady } from './_util.js';

const PARTITIONS = Array.from({ length: telemetryFamily.topic.partitions }, (_, partition) => partition);

describe('realtime', () => {
  it.each(['abort', 'commit'] as const)('becomes ready if the log ends with an %s', async (outcome) => {
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    await append(broker.address, [telemetry({ timestamp: Date.now() })]);
    for (const partition of PARTITIONS.slice(0, 3)) {
      await appendTransaction(broker, {
        topic: telemetryFamily.topic.name,
        partition,
        values: ['{}'],
        outcome,
      });
    }
    await using realtime = await startRealtime(broker.address);
    await untilReady(realtime);
    const { body } = await getJson<{ lagRecords: number }>(`${realtime.url}/stats`);
    expect(body.lagRecords).toBe(0);
  });

  it('counts a batch that cannot be decoded and continues after it', async () => {
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    const topic = telemetryFamily.topic.name;
    await appendTransaction(broker, { topic, partition: 0, values: ['spoiled'], outcome: 'commit' });
    await spoilBatch(broker, { topic, partition: 0, offset: 0n });
    await using realtime = await startRealtime(broker.address);
    await untilReady(realtime);
    const devices = Array.from({ length: 50 }, (_, n) => id(n + 1));
    await append(
      broker.address,
      devices.map((deviceId) => telemetry({ timestamp: Date.now(), device_id: deviceId })),
    );
    await until(async () => {
      const { body } = await getJson<{ devicesSeen: number }>(`${realtime.url}/stats`);
      return body.devicesSeen === devices.length;
    });
    const metrics = await (await fetch(`${realtime.url}/metrics`)).text();
    expect(metrics).toContain(`log_consumer_undecodable_batches_total{topic="${topic}"} 1`);
  });
});
