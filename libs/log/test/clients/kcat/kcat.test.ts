import { until } from '@hailstream/service/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestBroker, type TestBroker } from '../../../src/testing.js';
import { Program, runProgram } from '../programs.js';

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
const TOPIC = 'rides';
const RECORDS = 20_000;
const PARTITIONS = 3;
const WAIT = { timeoutMs: 60_000 };
const VALUES = Array.from({ length: RECORDS }, (_, i) => `${i}`);
/** One line per record, with key and value. */
const INPUT = VALUES.map((value) => `${Number(value) % 100}:${value}\n`).join('');

let broker: TestBroker;
beforeEach(async () => {
  broker = await startTestBroker({ settings: { 'num.partitions': String(PARTITIONS) } });
});
afterEach(() => broker.stop());

function command(args: readonly string[], input = '') {
  return { command: 'kcat', args: ['-b', broker.address, ...args], input };
}

async function kcat(args: readonly string[], input = ''): Promise<string> {
  return (await runProgram(command(args, input))).stdout;
}

/** Sorted numbers. */
function sorted(values: readonly string[]): string[] {
  return values.toSorted((a, b) => Number(a) - Number(b));
}

describe('kcat with the librdkafka of a Debian release', () => {
  it.each(CODECS)('consumes everything that it produced, compression %s', async (codec) => {
    const how = ['-X', 'enable.idempotence=true', '-z', codec];
    await kcat(['-P', '-t', TOPIC, '-K', ':', ...how], INPUT);
    const lines = (await kcat(['-C', '-t', TOPIC, '-o', 'beginning', '-e', '-q', '-f', '%p %k %s\n']))
      .trim()
      .split('\n');
    const records = lines.map((line) => line.split(' '));
    expect(sorted(records.map(([, , value = '']) => value))).toEqual(VALUES);
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const values = records.filter(([each]) => each === String(partition)).map(([, , value = '']) => value);
      expect(values.length).toBeGreaterThan(0);
      expect(values).toEqual(sorted(values));
    }
    expect(records.every(([, key, value]) => Number(value) % 100 === Number(key))).toBe(true);
  });

  it('preserves headers and tombstones', async () => {
    const where = ['-t', TOPIC, '-p', '0'];
    await kcat(['-P', ...where, '-K', ':', '-Z', '-H', 'a=1', '-H', 'b=two'], 'gone:\nkept:here\n');
    const json = (await kcat(['-C', ...where, '-o', 'beginning', '-e', '-q', '-J'])).trim().split('\n');
    expect(json.map((line) => JSON.parse(line) as object)).toMatchObject([
      { offset: 0, key: 'gone', payload: null, headers: ['a', '1', 'b', 'two'] },
      { offset: 1, key: 'kept', payload: 'here' },
    ]);
  });

  it('lists brokers and topics', async () => {
    await kcat(['-P', '-t', TOPIC], 'hello\n');
    const listed = JSON.parse(await kcat(['-L', '-J', '-t', TOPIC])) as object;
    expect(listed).toMatchObject({
      controllerid: 1,
      brokers: [{ id: 1, name: broker.address }],
      topics: [
        {
          topic: TOPIC,
          partitions: Array.from({ length: PARTITIONS }, (_, partition) => ({ partition, leader: 1 })),
        },
      ],
    });
  });

  it('queries offsets by timestamp and reads a range', async () => {
    const where = ['-t', TOPIC, '-p', '1'];
    await kcat(['-P', ...where], 'one\ntwo\n');
    const between = Date.now() + 1;
    await until(() => Date.now() > between);
    await kcat(['-P', ...where], 'three\nfour\n');
    const at = (timestamp: number) => kcat(['-Q', '-t', `${TOPIC}:1:${timestamp}`]);
    expect(await at(0)).toBe(`${TOPIC} [1] offset 0\n`);
    expect(await at(between)).toBe(`${TOPIC} [1] offset 2\n`);
    expect(await at(-1)).toBe(`${TOPIC} [1] offset 4\n`);
    expect(await kcat(['-C', ...where, '-o', '1', '-c', '2', '-q'])).toBe('two\nthree\n');
    expect(await kcat(['-C', ...where, '-o', '-1', '-e', '-q'])).toBe('four\n');
  });

  it('shares a topic in a group and continues at the committed offsets', async () => {
    const member = () => command(['-G', 'readers', '-q', '-u', '-X', 'auto.offset.reset=earliest', TOPIC]);
    const count = ({ stdout }: Program) => stdout.split('\n').length - 1;
    await kcat(['-P', '-t', TOPIC, '-K', ':'], INPUT);
    await using first = new Program(member());
    await until(() => count(first) === RECORDS, WAIT);
    expect(sorted(first.stdout.trim().split('\n'))).toEqual(VALUES);
    await using second = new Program(member());
    await Promise.all([1, 2, 3].map(() => kcat(['-P', '-t', TOPIC, '-K', ':'], INPUT)));
    await until(() => count(first) + count(second) >= 4 * RECORDS, WAIT);
    await first.terminate();
    await second.terminate();
    await kcat(['-P', '-t', TOPIC], 'afterwards\n');
    await using third = new Program(member());
    await until(() => third.stdout.includes('afterwards'), WAIT);
    expect(third.stdout).toBe('afterwards\n');
  });
});
