import { beforeAll, describe, expect, it } from 'vitest';
import { startTestBroker } from '../../../src/testing.js';
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
