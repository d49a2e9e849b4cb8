import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { BlockRecord } from './object-format.js';
import { ndjsonGzip } from './ndjson.js';

async function encode(records: readonly BlockRecord[], partition: number): Promise<Buffer> {
  const collector = ndjsonGzip.collect(partition);
  for (const record of records) collector.push(record, {});
  const [object] = await collector.encode([Uint32Array.from(records.keys())]);
  return object!;
}

/** The lines of an object with these values, at consecutive offsets from `offset` on. */
async function linesOf(values: readonly string[], offset = 0n): Promise<string[]> {
  const records = values.map((value, index) => ({
    timeMs: 0,
    offset: offset + BigInt(index),
    receivedMs: 1_000,
    value: Buffer.from(value),
  }));
  return gunzipSync(await encode(records, 2))
    .toString('utf8')
    .split('\n');
}

describe('ndjsonGzip', () => {
  it('keeps the bytes of each event, and adds partition, offset and time of receipt', async () => {
    expect(await linesOf(['{"a": 1.0, "b":"é"}', '{"c":[{}]}'])).toEqual([
      '{"a": 1.0, "b":"é","_partition":2,"_offset":0,"_received_at":1000}',
      '{"c":[{}],"_partition":2,"_offset":1,"_received_at":1000}',
      '',
    ]);
  });

  it.each(['{}', '{ }', ' {\t} '])('adds fields to the empty object %j', async (value) => {
    const [line = ''] = await linesOf([value]);
    expect(JSON.parse(line)).toEqual({ _partition: 2, _offset: 0, _received_at: 1_000 });
  });

  it('writes events with line feeds or white space at their end as one line', async () => {
    const [first = '', second = '', ...rest] = await linesOf([
      '{\r\n "a": "x\\ny",\n "b": {}\n}\n',
      '{"a":1}  ',
    ]);
    expect(JSON.parse(first)).toMatchObject({ a: 'x\ny', b: {}, _offset: 0 });
    expect(JSON.parse(second)).toMatchObject({ a: 1, _offset: 1 });
    expect(rest).toEqual(['']);
  });

  it('writes and reads offsets beyond 2^53 exactly', async () => {
    const offset = 2n ** 53n + 1n;
    const records = [{ timeMs: 0, offset, receivedMs: -1, value: Buffer.from('{"_offset":"x"}') }];
    expect(await ndjsonGzip.offsets(await encode(records, 0))).toEqual([offset]);
  });

  it('gives equal records equal bytes', async () => {
    const records = [{ timeMs: 0, offset: 1n, receivedMs: 2, value: Buffer.from('{"a":1}') }];
    expect(await encode(records, 0)).toEqual(await encode(records, 0));
  });

  it.each([
    ['is not gzip', Buffer.from('{}'), 'incorrect header check'],
    ['has a line that is not JSON', gzipSync('{"_partition":0,"_offset":1,"_received_at":1\n'), 'JSON'],
    ['has a line without offset', gzipSync('{"a":1}\n'), 'a line has no _offset'],
  ])('refuses to read an object that %s', async (_, bytes, reason) => {
    await expect(ndjsonGzip.offsets(bytes)).rejects.toThrow(reason);
  });
});
