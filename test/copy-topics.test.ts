import { join } from 'node:path';
import { eventRegistry, telemetryFamily } from '@hailstream/events';
import { createAdmin, createProducer } from '@hailstream/log';
import { createLogger } from '@hailstream/service/logging';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { command, Command, eventually, temporaryHome } from './_system.js';

const RECORDS = 300;
const logger = createLogger({ name: 'system-test', level: 'silent' });

interface CopiedPartition {
  readonly topic: string;
  readonly source: { readonly from: number; readonly to: number };
  readonly target: { readonly from: number; readonly to: number };
}

describe('npm run copy-topics', () => {
  let home: { readonly folder: string } & AsyncDisposable;
  let brokers: { readonly source: Command; readonly target: Command };
  let addresses: { readonly source: string; readonly target: string };
  beforeEach(async () => {
    home = await temporaryHome();
    const start = (name: string): Command =>
      new Command(['broker', '--port', '0', '--data-dir', join(home.folder, name)]);
    brokers = { source: start('source'), target: start('target') };
    const address = (broker: Command): Promise<string> =>
      eventually('it listens', () => /listening on (127\.0\.0\.1:\d+)/.exec(broker.stdout)?.[1]);
    addresses = { source: await address(brokers.source), target: await address(brokers.target) };
  });
  afterEach(async () => {
    for (const broker of Object.values(brokers)) {
      broker.child.kill('SIGTERM');
      await broker.result;
    }
    await home[Symbol.asyncDispose]();
  });

  it('copies every record to another log and prints the offsets', async () => {
    const connection = { brokers: [addresses.source], clientId: 'system-test' };
    await using admin = createAdmin({ connection, logger });
    await admin.ensureTopics(eventRegistry.topics);
    await using producer = createProducer({ connection, logger });
    await producer.send(
      Array.from({ length: RECORDS }, (_, index) => ({
        topic: telemetryFamily.topic.name,
        key: `cab ${index % 20}`,
        value: Buffer.from(`${index}`),
      })),
    );
    const copy = (...options: string[]) =>
      command(['copy-topics', '--from', addresses.source, ...options], {
        env: { KAFKA_BROKERS: addresses.target, LOG_TOPIC_PREFIX: 'acme.' },
      });
    const { code, stdout, stderr } = await copy('--json');
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(`copying: ${RECORDS} of ${RECORDS} records\n$`) as string,
    });
    const copied = JSON.parse(stdout) as CopiedPartition[];
    expect(copied).toHaveLength(eventRegistry.topics.reduce((sum, { partitions }) => sum + partitions, 0));
    expect(copied.reduce((sum, { target }) => sum + target.to - target.from, 0)).toBe(RECORDS);
    for (const { source, target } of copied) expect(target).toEqual(source);

    const again = await copy();
    expect(again).toMatchObject({ code: 0, stderr: '' });
    expect(again.stdout).toMatch(/ride\.telemetry-0 +offsets 0\.\.\d+ copied to 0\.\.\d+\n/);
    expect(again.stdout).toMatch(
      /All records have the same offsets as in the source log\.\n.*\nnpm run batch -- positions adopt --all\n$/,
    );
  });

  it('prints one line if an option or a variable is missing', async () => {
    expect(await command(['copy-topics', '--from', 'here'])).toMatchObject({
      code: 1,
      stderr: '--from: expected HOST:PORT of the log to copy, got "here"\n',
    });
    expect(await command(['copy-topics', '--from', addresses.source])).toMatchObject({
      code: 1,
      stderr: 'KAFKA_BROKERS: expected the brokers to copy to, got nothing\n',
    });
  });
});
