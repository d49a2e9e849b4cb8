import { beforeAll, describe, expect, it } from 'vitest';
import { startTestBroker } from '../../../src/testing.js';
import { RunningClient } from '../verifiable-client.js';
import { KafkaClients } from './kafka-clients.js';

const RECORDS = 5_000;
/** How long a consumer waits after its last record. */
const SILENCE_MS = 10_000;

let clients: KafkaClients;
beforeAll(async () => {
  clients = await KafkaClients.find();
});

/** All values of a topic that are visible at the isolation level. */
async function valuesOf(address: string, topic: string, isolation: string): Promise<string[]> {
  const where = ['--bootstrap-server', address, '--topic', topic, '--from-beginning'];
  const how = ['--isolation-level', isolation, '--timeout-ms', String(SILENCE_MS)];
  const lines = (await clients.run('kafka-console-consumer', [...where, ...how])).trim().split('\n');
  return lines.toSorted((a, b) => Number(a) - Number(b));
}

describe("transactions of Kafka's tools", () => {
  it('contain all records of each transaction that the producer committed', async () => {
    await using broker = await startTestBroker();
    const where = ['--bootstrap-server', broker.address, '--topic', 'rides'];
    const what = ['--num-records', String(RECORDS), '--record-size', '100', '--throughput', '5000'];
    const transaction = ['--transactional-id', 'perf', '--transaction-duration-ms', '100'];
    await clients.run('kafka-producer-perf-test', [...where, ...what, ...transaction]);
    const how = ['--num-records', String(RECORDS), '--timeout', '30000', '--hide-header'];
    const committed = ['--command-property', 'isolation.level=read_committed'];
    const consumed = await clients.run('kafka-consumer-perf-test', [...where, ...how, ...committed]);
    expect(Number(consumed.trim().split('\n').at(-1)?.split(', ')[4])).toBe(RECORDS);
    const ends = await clients.run('kafka-get-offsets', where);
    // Each transaction ends with a marker.
    expect(Number(ends.trim().split(':').at(-1))).toBeGreaterThan(RECORDS);
  });

  it('copy each record exactly once although some are aborted', async () => {
    await using broker = await startTestBroker();
    const { address } = broker;
    await using producer = new RunningClient(
      clients.producer({ address, topic: 'in', count: RECORDS, rate: -1 }),
    );
    expect(await producer.done()).toMatchObject({ exitCode: 0 });
    await clients.run('kafka-topics', ['--bootstrap-server', address, '--create', '--topic', 'out']);
    await clients.run('transactional-message-copier', [
      ...['--broker-list', address, '--transactional-id', 'copier', '--consumer-group', 'copiers'],
      ...['--input-topic', 'in', '--input-partition', '0', '--output-topic', 'out'],
      ...['--transaction-size', '250', '--enable-random-aborts', '--use-group-metadata'],
    ]);
    const sent = Array.from({ length: RECORDS }, (_, i) => `${i}`);
    expect(await valuesOf(address, 'out', 'read_committed')).toEqual(sent);
    const all = await valuesOf(address, 'out', 'read_uncommitted');
    expect(all.length).toBeGreaterThan(RECORDS);
    expect([...new Set(all)]).toEqual(sent);
  });
});
