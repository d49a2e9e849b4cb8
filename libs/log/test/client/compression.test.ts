import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canCompress, COMPRESSIONS } from '../../src/client/index.js';
import { append, Bench, record } from './_util.js';

const RECORDS = 500;
const ATTRIBUTES_AT = 21;
const CODEC_BITS = 7;

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.start();
});
afterAll(() => bench[Symbol.asyncDispose]());

/** The codec of a topic's first batch, from the attributes in the segment file. */
async function codecInLog(topic: string): Promise<number> {
  const segment = join(bench.broker.dataDir, `${topic}-0`, '00000000000000000000.log');
  return (await readFile(segment)).readUInt16BE(ATTRIBUTES_AT) & CODEC_BITS;
}

describe.each(COMPRESSIONS.filter(canCompress))('compression %s', (compression) => {
  it('is used in the log, and readers receive the original records', async () => {
    const topic = await bench.topic(1);
    const values = Array.from(
      { length: RECORDS },
      (_, index) => `position ${index} ${'and so on '.repeat(20)}`,
    );
    await append(
      bench.producer({ compression, lingerMs: 50 }),
      values.map((value) => record(topic, 'k', value)),
    );
    expect(await codecInLog(topic)).toBe(COMPRESSIONS.indexOf(compression));
    expect(await bench.read(topic)).toEqual(values.map((value) => `k:${value}`));
  });
});

it.each(COMPRESSIONS.filter((compression) => !canCompress(compression)))(
  'compression %s is refused at start if no encoder is available on this machine',
  (compression) => {
    expect(() => bench.producer({ compression })).toThrow(`compression ${compression} is not available here`);
  },
);
