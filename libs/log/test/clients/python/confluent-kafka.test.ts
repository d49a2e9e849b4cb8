import { beforeAll, describe, expect, it } from 'vitest';
import { startTestBroker } from '../../../src/testing.js';
import {
  certificate,
  PASSWORD,
  startSecuredBroker,
  TLS_SETTINGS,
  USER,
} from '../../broker/secured-broker.js';
import { runProgram } from '../programs.js';
import { describePromises } from '../promises.js';
import { PythonClient } from './python-clients.js';

const INSTALL_TIMEOUT_MS = 11 * 60_000;

let confluentKafka: PythonClient;
beforeAll(async () => {
  confluentKafka = await PythonClient.install('confluent_kafka');
}, INSTALL_TIMEOUT_MS);

describe('confluent-kafka (librdkafka)', () => {
  describePromises(() => confluentKafka);

  it.each(['SCRAM-SHA-256', 'SCRAM-SHA-512'])(
    'authenticates over TLS with %s and a password',
    async (mechanism) => {
      await using broker = await startSecuredBroker({
        'listener.security.protocol': 'SASL_SSL',
        ...TLS_SETTINGS,
      });
      const settings = [
        'security.protocol=SASL_SSL',
        `sasl.mechanism=${mechanism}`,
        `sasl.username=${USER}`,
        `sasl.password=${PASSWORD}`,
        `ssl.ca.location=${certificate('ca.crt')}`,
      ];
      const security = settings.flatMap((setting) => ['--set', setting]);
      const args = ['--brokers', broker.address, '--topic', 'rides', '--count', '1000', ...security];
      const { stdout } = await runProgram(confluentKafka.command('produce', args));
      expect(stdout.match(/"producer_send_success"/g)).toHaveLength(1_000);
    },
  );

  it('administers', async () => {
    await using broker = await startTestBroker();
    const args = ['--brokers', broker.address, '--topic', 'rides'];
    const { stdout } = await runProgram(confluentKafka.command('admin', args));
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(events).toEqual([
      {
        name: 'cluster',
        id: expect.stringMatching(/^[\w-]{22}$/),
        controller: 1,
        brokers: [1],
        sameId: true,
      },
      { name: 'topics', made: '', again: 'TOPIC_ALREADY_EXISTS', grown: '', partitions: [0, 1, 2] },
      {
        name: 'configs',
        altered: '',
        refused: 'INVALID_CONFIG',
        values: { 'max.message.bytes': '2000', 'retention.ms': '604800000' },
      },
      {
        name: 'records',
        tooLarge: ['MSG_SIZE_TOO_LARGE'],
        lowWatermark: 4,
        offsets: { start: 4, end: 10, atStart: 4, at6s: 6, largest: 9 },
      },
      {
        name: 'groups',
        listed: ['rides-readers'],
        state: 'EMPTY',
        offsets: { 0: 0, 1: 6 },
        deleted: '',
        left: [],
      },
      {
        name: 'removal',
        deleted: '',
        again: 'UNKNOWN_TOPIC_OR_PART',
        left: expect.not.arrayContaining(['rides']),
      },
    ]);
  });
});
