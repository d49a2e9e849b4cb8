import { until } from '@hailstream/service/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { startTestBroker } from '../../../src/testing.js';
import { RunningClient } from '../verifiable-client.js';
import { KafkaClients } from './kafka-clients.js';

const RECORDS = 1_000;
const SESSION_TIMEOUT_MS = 120_000;
const WAIT = { timeoutMs: 120_000 };

let clients: KafkaClients;
beforeAll(async () => {
  clients = await KafkaClients.find();
});

describe('kafka-consumer-groups', () => {
  it('describes a group and its members, and refuses to reset or delete it while it is active', async () => {
    await using broker = await startTestBroker({ settings: { 'num.partitions': '2' } });
    const where = ['--bootstrap-server', broker.address];
    const groups = (...args: string[]) => clients.run('kafka-consumer-groups', [...where, ...args]);
    const ofReaders = (...args: string[]) => groups('--group', 'readers', ...args);
    const refused = async (...args: string[]) => {
      const { stdout, stderr } = await clients.try('kafka-consumer-groups', [
        ...where,
        '--group',
        'readers',
        ...args,
      ]);
      return stdout + stderr;
    };
    const options = { address: broker.address, topic: 'rides' };
    await using producer = new RunningClient(clients.producer({ ...options, count: RECORDS, rate: -1 }));
    expect(await producer.done()).toMatchObject({ exitCode: 0 });
    await using consumer = new RunningClient(
      clients.consumer({
        ...options,
        group: 'readers',
        instance: 'one',
        sessionTimeoutMs: SESSION_TIMEOUT_MS,
      }),
    );
    await until(() => consumer.ended || consumer.records.size === RECORDS, WAIT);
    await until(async () => /^readers +rides +0 .* 0 +one-/m.test(await ofReaders('--describe')), WAIT);
    expect(await ofReaders('--describe', '--state')).toMatch(
      /^readers +127\.0\.0\.1:\d+ +\(1\) +range +Stable +1$/m,
    );
    expect(await ofReaders('--describe', '--members', '--verbose')).toMatch(
      /^readers +one-\S+ +one +\/127\.0\.0\.1 +\S+ +2 .* rides:0,1 /m,
    );
    expect(await groups('--list', '--state')).toMatch(/^readers +Stable *$/m);
    const toStart = ['--reset-offsets', '--topic', 'rides', '--to-earliest', '--execute'];
    expect(await refused(...toStart)).toContain('inactive, but the current state is Stable');
    expect(await refused('--delete')).toContain('GroupNotEmptyException');
    expect(await refused('--delete-offsets', '--topic', 'rides')).toContain(
      'GroupSubscribedToTopicException',
    );
    await consumer.kill();
    // The member is static, so the group keeps it after it has stopped.
    const empty = await clients.run('kafka-consumer-groups', [...where, '--list', '--state', 'empty']);
    expect(empty).not.toContain('readers');
  });

  it('resets and deletes a group without members', async () => {
    await using broker = await startTestBroker({ settings: { 'num.partitions': '2' } });
    const where = ['--bootstrap-server', broker.address];
    const ofReaders = (...args: string[]) =>
      clients.run('kafka-consumer-groups', [...where, '--group', 'readers', ...args]);
    const options = { address: broker.address, topic: 'rides' };
    await using producer = new RunningClient(clients.producer({ ...options, count: RECORDS, rate: -1 }));
    expect(await producer.done()).toMatchObject({ exitCode: 0 });
    const move = (...to: string[]) => ofReaders('--reset-offsets', '--topic', 'rides', ...to, '--execute');
    const moved = async (...to: string[]) =>
      [...(await move(...to)).matchAll(/^readers +rides +(\d) +(\d+) *$/gm)]
        .map(([, partition, offset]) => [Number(partition), Number(offset)])
        .toSorted(([a = 0], [b = 0]) => a - b);
    const ends = [0, 1].map((partition) => [
      partition,
      [...producer.records.keys()].filter((place) => place.startsWith(`${partition}:`)).length,
    ]);
    const from = (offset: number) => [0, 1].map((partition) => [partition, offset]);
    expect(await moved('--to-latest')).toEqual(ends);
    expect(await moved('--to-offset', '50')).toEqual(from(50));
    expect(await moved('--shift-by', '-10')).toEqual(from(40));
    expect(await moved('--to-datetime', '2020-01-01T00:00:00.000')).toEqual(from(0));
    expect(await ofReaders('--describe', '--state')).toMatch(/ Empty +0$/m);
    expect(await ofReaders('--describe', '--offsets')).toMatch(/^readers +rides +0 +0 +\d+ +\d+ /m);
    const deleted = await ofReaders('--delete-offsets', '--topic', 'rides:1');
    expect(deleted).toMatch(/^rides +1 +Successful/m);
    expect(await ofReaders('--delete')).toContain("('readers') was successful");
    expect((await clients.run('kafka-consumer-groups', [...where, '--list'])).trim()).toBe('');
  });
});
