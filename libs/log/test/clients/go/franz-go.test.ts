import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestBroker } from '../../../src/testing.js';
import { runProgram } from '../programs.js';
import { describePromises } from '../promises.js';
import { FranzGo } from './franz-go.js';

const BUILD_TIMEOUT_MS = 11 * 60_000;

let franzGo: FranzGo;
beforeAll(async () => {
  franzGo = await FranzGo.build();
}, BUILD_TIMEOUT_MS);
afterAll(() => franzGo[Symbol.asyncDispose]());

describe('franz-go', () => {
  describePromises(() => franzGo);

  it('administers', async () => {
    await using broker = await startTestBroker();
    const args = ['-brokers', broker.address, '-topic', 'rides'];
    const { stdout } = await runProgram(franzGo.command('admin', args));
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
        produceVersion: expect.any(Number),
      },
      {
        name: 'topics',
        made: 2,
        sameId: true,
        again: 'TOPIC_ALREADY_EXISTS',
        grown: '',
        partitions: [0, 1, 2],
      },
      {
        name: 'configs',
        altered: '',
        refused: 'INVALID_CONFIG',
        values: {
          'max.message.bytes': '2000 DYNAMIC_TOPIC_CONFIG',
          'retention.ms': '604800000 DEFAULT_CONFIG',
        },
      },
      {
        name: 'records',
        tooLarge: 'MESSAGE_TOO_LARGE',
        lowWatermark: 4,
        offsets: { start: 4, end: 10, atStart: 4, at6s: 6 },
      },
      {
        name: 'groups',
        state: 'Empty',
        lag: 4,
        metadata: 'first',
        offsetStillThere: false,
        deleted: '',
        left: [],
      },
      { name: 'removal', deleted: '', again: 'UNKNOWN_TOPIC_OR_PARTITION', left: [] },
    ]);
  });
});
