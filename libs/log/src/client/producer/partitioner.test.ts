import { describe, expect, it } from 'vitest';
import { murmur2, partitionForKey, StickyPartitioner } from './partitioner.js';

/** Computed with Apache Kafka 4.3.1's `Utils.murmur2`: key, hash, and the partition of 12 it goes to. */
const FROM_KAFKA: [string, number, number][] = [
  ['', 275646681, 9],
  ['a', -1563381124, 4],
  ['ab', 316155434, 2],
  ['abc', 479470107, 3],
  ['abcd', -1323649548, 8],
  ['abcde', 461995741, 1],
  ['21', -973932308, 0],
  ['foobar', -790332482, 6],
  ['a-little-bit-long-string', -985981536, 8],
  ['a-little-bit-longer-string', -1486304829, 11],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971, 5],
  ['0191a4e2-7b1c-7c3e-9f00-1234567890ab', 1812182173, 1],
  ['Mønaco €', -1814966331, 5],
];

describe('murmur2', () => {
  it.each(FROM_KAFKA)('hashes "%s" as Kafka does', (key, hash) => {
    expect(murmur2(Buffer.from(key))).toBe(hash);
  });
});

describe('partitionForKey', () => {
  it.each(FROM_KAFKA)('assigns "%s" to the same partition as Kafka', (key, _, partition) => {
    expect(partitionForKey(Buffer.from(key), 12)).toBe(partition);
  });
});

describe('StickyPartitioner', () => {
  it('stays on one partition for 16 KiB, then chooses a random one', () => {
    const random = [0.5, 0.99, 0];
    const partitioner = new StickyPartitioner(() => random.shift() ?? 0);
    const chosen = Array.from({ length: 9 }, () => partitioner.choose('t', 12, 4_096));
    expect(chosen).toEqual([6, 6, 6, 6, 11, 11, 11, 11, 0]);
  });

  it('chooses for each topic separately', () => {
    const random = [0, 0.5];
    const partitioner = new StickyPartitioner(() => random.shift() ?? 0);
    expect(['a', 'b', 'a', 'b'].map((topic) => partitioner.choose(topic, 2, 1))).toEqual([0, 1, 0, 1]);
  });
});
