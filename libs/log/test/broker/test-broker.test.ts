import { readFileSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { until } from '@hailstream/service/testing';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { createAdmin } from '../../src/client/index.js';
import { startTestBroker } from '../../src/testing.js';
import { RawClient } from './raw-client.js';
import { sampleRequests, SAMPLE_TOPIC } from './samples.js';

const PRODUCE = 0;
const CREATE_TOPICS = 19;
const API_VERSIONS = 18;
const NOT_COORDINATOR = 16;
const logger = pino({ level: 'silent' });

/** What keeps a process alive: listeners, connections and timers. */
function held(): number {
  return process.getActiveResourcesInfo().filter((name) => /^(TCP|Timeout|Pipe)/.test(name)).length;
}

describe(startTestBroker, () => {
  it('behaves as documented in the README', async () => {
    await using broker = await startTestBroker(); // free port, temporary data directory
    const connection = { brokers: [broker.address], clientId: 'test' };
    await using admin = createAdmin({ connection, logger });
    await admin.ensureTopics([{ name: 'mine', partitions: 3 }]); // topics are not created automatically
    broker.inject({ api: 'Produce', dropAnswer: true }); // no response to the next Produce; see also kill() and restart()
    using client = await RawClient.connect(broker.port);
    const [readme, own] = [new URL('../../README.md', import.meta.url), new URL(import.meta.url)].map((url) =>
      readFileSync(url, 'utf8'),
    );
    const [, snippet = ''] = /```ts\n(await using broker[\s\S]*?)```/.exec(readme ?? '') ?? [];
    const lines = snippet.trim().split('\n');
    expect(lines).toHaveLength(5);
    for (const line of lines) expect(own).toContain(line);
    const dropped = client.call(PRODUCE, 9, sampleRequests()['Produce'] as object);
    await expect(dropped).rejects.toThrow('closed');
  });

  it('starts twenty concurrently and leaves no files or handles', async () => {
    await using first = await startTestBroker();
    await first.stop();
    const before = held();
    const brokers = await Promise.all(Array.from({ length: 20 }, () => startTestBroker()));
    expect(new Set(brokers.map(({ port }) => port)).size).toBe(20);
    for (const { port } of brokers) {
      using client = await RawClient.connect(port);
      await client.call(API_VERSIONS, 2, {});
    }
    await Promise.all(brokers.map((broker) => broker.stop()));
    await until(() => held() <= before);
    for (const { dataDir } of brokers) await expect(access(dataDir)).rejects.toThrow('ENOENT');
  });
});

describe('faults', () => {
  it('return an error the given number of times, for every partition', async () => {
    await using broker = await startTestBroker();
    using client = await RawClient.connect(broker.port);
    const topic = {
      name: SAMPLE_TOPIC,
      numPartitions: 1,
      replicationFactor: 1,
      assignments: [],
      configs: [],
    };
    await client.call(CREATE_TOPICS, 4, { topics: [topic], timeoutMs: 1000, validateOnly: false });
    broker.inject({ api: 'Produce', errorCode: NOT_COORDINATOR, times: 2 });
    const codes: (number | undefined)[] = [];
    for (let i = 0; i < 3; i++) {
      const { topics } = await client.call<{
        topics: { name: string; partitions: { errorCode: number }[] }[];
      }>(PRODUCE, 9, sampleRequests()['Produce'] as object);
      codes.push(topics.find(({ name }) => name === SAMPLE_TOPIC)?.partitions[0]?.errorCode);
    }
    expect(codes).toEqual([NOT_COORDINATOR, NOT_COORDINATOR, 0]);
  });

  it('close the connection before the request is processed, and can be removed', async () => {
    await using broker = await startTestBroker();
    using client = await RawClient.connect(broker.port);
    broker.inject({ api: 'ApiVersions', dropConnection: true, times: 5 });
    await expect(client.call(API_VERSIONS, 2, {})).rejects.toThrow('closed');
    broker.clearFaults();
    using other = await RawClient.connect(broker.port);
    await other.call(API_VERSIONS, 2, {});
  });

  it('are refused for an unknown API', async () => {
    await using broker = await startTestBroker();
    expect(() => broker.inject({ api: 'Consume', dropAnswer: true })).toThrow('unknown API: Consume');
  });
});
