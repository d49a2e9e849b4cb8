import { beforeAll, describe, expect, it } from 'vitest';
import {
  certificate,
  PASSWORD,
  startSecuredBroker,
  TLS_SETTINGS,
  USER,
} from '../../broker/secured-broker.js';
import { KafkaClients } from './kafka-clients.js';

const RECORDS = 5_000;
const FILE = 'client.properties';

let clients: KafkaClients;
beforeAll(async () => {
  clients = await KafkaClients.find();
});

function properties(mechanism: string, password: string): Record<string, string> {
  const login = 'org.apache.kafka.common.security.scram.ScramLoginModule';
  const lines = [
    'security.protocol=SASL_SSL',
    `sasl.mechanism=${mechanism}`,
    `sasl.jaas.config=${login} required username="${USER}" password="${password}";`,
    'ssl.truststore.type=PEM',
    `ssl.truststore.location=${certificate('ca.crt')}`,
  ];
  return { [FILE]: lines.join('\n') };
}

describe("Apache Kafka's Java client over TLS", () => {
  it.each(['SCRAM-SHA-256', 'SCRAM-SHA-512'])(
    'authenticates with %s and only with the right password',
    async (mechanism) => {
      await using broker = await startSecuredBroker({
        'listener.security.protocol': 'SASL_SSL',
        ...TLS_SETTINGS,
      });
      const where = ['--bootstrap-server', broker.address, '--command-config', FILE, '--topic', 'rides'];
      const right = properties(mechanism, PASSWORD);
      const what = ['--num-records', String(RECORDS), '--record-size', '100', '--throughput', '-1'];
      const produced = await clients.run('kafka-producer-perf-test', [...where, ...what], right);
      expect(produced).toMatch(new RegExp(`^${RECORDS} records sent, `, 'm'));
      const how = ['--num-records', String(RECORDS), '--timeout', '30000', '--hide-header'];
      const consumed = await clients.run('kafka-consumer-perf-test', [...where, ...how], right);
      expect(Number(consumed.trim().split('\n').at(-1)?.split(', ')[4])).toBe(RECORDS);
      const refused = await clients.try('kafka-get-offsets', where, properties(mechanism, 'wrong'));
      expect(refused.exitCode).toBe(1);
      expect(refused.stdout + refused.stderr).toContain('SaslAuthenticationException');
    },
  );
});
