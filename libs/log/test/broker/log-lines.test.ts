import { until } from '@hailstream/service/testing';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { startTestBroker } from '../../src/testing.js';
import { RawClient } from './raw-client.js';

const METADATA = 3;
const JOIN_GROUP = 11;
const CREATE_TOPICS = 19;
const DELETE_TOPICS = 20;
const INCREMENTAL_ALTER_CONFIGS = 44;
const WARN = 40;

type Line = Record<string, unknown> & { readonly level: number; readonly msg: string };

function recorder() {
  const lines: Line[] = [];
  const logger = pino({}, { write: (line: string) => lines.push(JSON.parse(line) as Line) });
  return { lines, logger, logged: (message: string) => lines.filter(({ msg }) => msg === message) };
}

describe("the broker's log", () => {
  it('describes the start and the shutdown', async () => {
    const { logger, logged } = recorder();
    const broker = await startTestBroker({ logger, settings: { 'num.network.threads': '3' } });
    expect(logged('broker started')).toEqual([
      expect.objectContaining({
        version: expect.stringMatching(/^\d+\./),
        nodeId: 1,
        listeners: `PLAINTEXT://127.0.0.1:${broker.port}`,
        dataDir: broker.dataDir,
        topics: 1,
        partitions: 1,
        partitionsCut: 0,
        recoveryMs: expect.any(Number),
      }),
    ]);
    expect(logged('setting has no effect')).toMatchObject([{ setting: 'num.network.threads' }]);
    await broker.stop();
    expect(logged('broker stopped, log synced')).toHaveLength(1);
  });

  it('reports who created, altered and deleted what, and no other requests', async () => {
    const { logger, logged, lines } = recorder();
    await using broker = await startTestBroker({ logger });
    using client = await RawClient.connect(broker.port);
    const before = lines.length;
    await client.call(CREATE_TOPICS, 4, {
      topics: [
        {
          name: 'rides',
          numPartitions: 2,
          replicationFactor: 1,
          assignments: [],
          configs: [{ name: 'retention.ms', value: '5000' }],
        },
      ],
      timeoutMs: 1000,
      validateOnly: false,
    });
    await client.call(METADATA, 6, { topics: [{ name: 'made-now' }], allowAutoTopicCreation: true });
    await client.call(INCREMENTAL_ALTER_CONFIGS, 1, {
      resources: [
        {
          resourceType: 2,
          resourceName: 'rides',
          configs: [{ name: 'retention.ms', configOperation: 0, value: '6000' }],
        },
      ],
      validateOnly: false,
    });
    await client.call(DELETE_TOPICS, 3, { topicNames: ['rides'], topics: [], timeoutMs: 1000 });
    const by = { clientId: 'raw' };
    expect(logged('topic created')).toMatchObject([
      { topic: 'rides', partitions: 2, settings: { 'retention.ms': '5000' }, ...by },
    ]);
    expect(logged('topic created on first use')).toMatchObject([{ topic: 'made-now', ...by }]);
    expect(logged('topic settings altered')).toMatchObject([
      { topic: 'rides', settings: { 'retention.ms': '6000' }, ...by },
    ]);
    expect(logged('topic deleted')).toMatchObject([{ topic: 'rides', ...by }]);
    expect(lines).toHaveLength(before + 4);
  });

  it('reports the reason of a rebalance, and expired members', async () => {
    const { logger, logged } = recorder();
    await using broker = await startTestBroker({
      logger,
      settings: { 'group.min.session.timeout.ms': '10' },
    });
    using client = await RawClient.connect(broker.port);
    await client.call(JOIN_GROUP, 3, {
      groupId: 'riders',
      sessionTimeoutMs: 10,
      rebalanceTimeoutMs: 1000,
      memberId: '',
      groupInstanceId: null,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
    });
    expect(logged('group rebalance started')[0]).toMatchObject({ group: 'riders', reason: 'raw joined' });
    await until(() => logged('group member expired').length === 1);
    expect(logged('group member expired')[0]).toMatchObject({
      group: 'riders',
      clientId: 'raw',
      level: WARN,
    });
  });

  it('reports closed connections at a limited rate', async () => {
    const { logger, logged } = recorder();
    await using broker = await startTestBroker({ logger });
    for (let i = 0; i < 5; i++) {
      using client = await RawClient.connect(broker.port);
      client.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
      await client.closed;
    }
    expect(logged('connection closed after an invalid request')).toMatchObject([
      {
        reason: 'invalid request size -1: at most 104857600 bytes are accepted',
        client: '/127.0.0.1',
        times: 1,
      },
    ]);
  });
});
