import { get } from 'node:http';
import { until } from '@hailstream/service/testing';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { makeRecordBatch } from '../../src/protocol/records.js';
import { startTestBroker, type TestBroker } from '../../src/testing.js';
import { RawClient } from './raw-client.js';
import { sampleRequests, SAMPLE_TOPIC } from './samples.js';
import { diskThatWrites } from './writing-disk.js';

const PRODUCE = 0;
const FETCH = 1;
const METADATA = 3;
const OFFSET_COMMIT = 8;
const METRICS = { 'metrics.port': '0' };

async function read(broker: TestBroker, path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`${broker.metricsUrl}${path}`);
  return { status: response.status, text: await response.text() };
}

/** The value of one series, or undefined. */
async function valueOf(broker: TestBroker, series: string): Promise<number | undefined> {
  const { text } = await read(broker, '/metrics');
  const line = text.split('\n').find((each) => each.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

async function produce(client: RawClient, records: Buffer, topic = SAMPLE_TOPIC): Promise<void> {
  await client.call(METADATA, 6, { topics: [{ name: topic }], allowAutoTopicCreation: true });
  await client.call(PRODUCE, 9, {
    ...sampleRequests()['Produce'],
    topics: [{ name: topic, partitions: [{ index: 0, records: [records] }] }],
  });
}

describe('/metrics', () => {
  it('is not served to a web site whose host name resolves to this address', async () => {
    await using broker = await startTestBroker({ settings: METRICS });
    const statusOf = (host: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        get(`${broker.metricsUrl}/metrics`, { headers: { host } }, (response) => {
          resolve(response.resume().statusCode);
        }).on('error', reject);
      });
    expect(await statusOf('evil.example:9100')).toBe(421);
    expect(await statusOf('localhost:9100')).toBe(200);
  });

  it('includes requests with their errors, bytes, connections, logs and groups', async () => {
    await using broker = await startTestBroker({ settings: METRICS });
    using client = await RawClient.connect(broker.port);
    const batch = makeRecordBatch([{ key: null, value: Buffer.alloc(100) }], 1n);
    await produce(client, batch);
    await produce(client, batch);
    await produce(client, Buffer.alloc(3));
    await client.call(FETCH, 12, sampleRequests()['Fetch'] as object);
    await client.call(OFFSET_COMMIT, 8, sampleRequests()['OffsetCommit'] as object);
    const series: [string, number][] = [
      ['broker_requests_total{api="Produce",error="NONE"}', 2],
      ['broker_requests_total{api="Produce",error="CORRUPT_MESSAGE"}', 1],
      ['broker_request_duration_seconds_count{api="Produce"}', 3],
      [`broker_topic_received_bytes_total{topic="${SAMPLE_TOPIC}"}`, 2 * batch.length],
      [`broker_topic_sent_bytes_total{topic="${SAMPLE_TOPIC}"}`, 2 * batch.length],
      [`broker_topic_log_bytes{topic="${SAMPLE_TOPIC}"}`, 2 * batch.length],
      [`broker_topic_segments{topic="${SAMPLE_TOPIC}"}`, 1],
      [`broker_partition_start_offset{topic="${SAMPLE_TOPIC}",partition="0"}`, 0],
      [`broker_partition_end_offset{topic="${SAMPLE_TOPIC}",partition="0"}`, 2],
      ['broker_groups{state="Empty"}', 1],
      ['broker_groups{state="Stable"}', 0],
      ['broker_connections', 1],
      ['broker_connections_accepted_total', 1],
    ];
    for (const [name, value] of series) expect([name, await valueOf(broker, name)]).toEqual([name, value]);
    const lag = await valueOf(broker, `broker_group_lag_records{group="readers",topic="${SAMPLE_TOPIC}"}`);
    expect(lag).toBeGreaterThanOrEqual(0);
    expect(await valueOf(broker, 'broker_recovery_seconds')).toBeGreaterThan(0);
    expect(await valueOf(broker, 'process_resident_memory_bytes')).toBeGreaterThan(0);
    // The background sync runs within a second.
    await until(async () => ((await valueOf(broker, 'broker_sync_duration_seconds_count')) ?? 0) > 0);
  });

  it('counts refused connections', async () => {
    await using broker = await startTestBroker({ settings: { ...METRICS, 'max.connections': '1' } });
    using client = await RawClient.connect(broker.port);
    await client.call(18, 2, {});
    using other = await RawClient.connect(broker.port);
    await other.closed;
    expect(await valueOf(broker, 'broker_connections_turned_away_total{reason="limit"}')).toBe(1);
    client.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
    await client.closed;
    expect(await valueOf(broker, 'broker_connections_turned_away_total{reason="protocol"}')).toBe(1);
  });

  it('has few series with many topics', async () => {
    await using broker = await startTestBroker({ settings: METRICS });
    using client = await RawClient.connect(broker.port);
    const batch = makeRecordBatch([{ key: null, value: Buffer.alloc(10) }], 1n);
    for (let i = 0; i < 205; i++) await produce(client, batch, `topic-${i}`);
    const { text } = await read(broker, '/metrics');
    expect(text.match(/^broker_topic_received_bytes_total\{/gm)).toHaveLength(201);
    expect(await valueOf(broker, 'broker_topic_received_bytes_total{topic="(other)"}')).toBe(
      5 * batch.length,
    );
    expect(text.match(/^broker_topic_log_bytes\{/gm)).toHaveLength(200);
    expect(await valueOf(broker, 'broker_topics')).toBe(206);
  });

  it('is not served by default, and is closed with the broker', async () => {
    await using silent = await startTestBroker();
    expect(silent.metricsUrl).toBeUndefined();
    const broker = await startTestBroker({ settings: METRICS });
    await broker.stop();
    await expect(read(broker, '/metrics')).rejects.toThrow('fetch failed');
  });

  it('reports that it cannot listen', async () => {
    await using broker = await startTestBroker({ settings: METRICS });
    const port = new URL(broker.metricsUrl as string).port;
    await expect(startTestBroker({ settings: { 'metrics.port': port } })).rejects.toThrow(
      `cannot listen on 127.0.0.1:${port}: the port is in use (metrics.port)`,
    );
  });
});

describe('/health', () => {
  it('is live, and ready while writes succeed; each change is logged once', async () => {
    let full = false;
    const lines: { level: number; msg: string; failures?: number }[] = [];
    const logger = pino({}, { write: (line: string) => lines.push(JSON.parse(line) as (typeof lines)[0]) });
    const files = diskThatWrites(async (_, real, buffers, position) => {
      if (full) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
      await real.write(buffers, position);
    });
    await using broker = await startTestBroker({ settings: METRICS, files, logger });
    using client = await RawClient.connect(broker.port);
    const batch = makeRecordBatch([{ key: null, value: Buffer.alloc(10) }], 1n);
    expect((await read(broker, '/health/live')).status).toBe(200);
    expect(await read(broker, '/health/ready')).toMatchObject({ status: 200 });
    full = true;
    for (let i = 0; i < 5; i++) await produce(client, batch);
    const { status, text } = await read(broker, '/health/ready');
    expect(status).toBe(503);
    expect(JSON.parse(text)).toEqual({
      status: 'error',
      checks: {
        started: { status: 'ok' },
        disk: { status: 'error', reason: 'write to the log failed: no space left on device' },
      },
    });
    expect((await read(broker, '/health/live')).status).toBe(200);
    full = false;
    await produce(client, batch);
    expect((await read(broker, '/health/ready')).status).toBe(200);
    expect(lines.filter(({ msg }) => msg.startsWith('disk full'))).toHaveLength(1);
    expect(lines.find(({ msg }) => msg === 'disk writes succeed again')).toMatchObject({ failures: 5 });
    expect(await valueOf(broker, 'broker_write_failures_total')).toBe(5);
    expect((await read(broker, '/elsewhere')).status).toBe(404);
  });
});
