import { Random } from '@hailstream/service/testing';
import { startKafka } from '@hailstream/tools/kafka';
import { describe, expect, it } from 'vitest';
import { letter, list, redriveWithKills, writeLetters } from '../_dead-letters.js';
import { consumeCommitted } from '../_console-consumer.js';
import { TELEMETRY } from '../_util.js';

const LETTERS = 3_000;

describe('dead letters in Apache Kafka', () => {
  it('are redriven once each by commands that are killed or cancelled at any moment', async () => {
    await using kafka = await startKafka({ brokers: 1 });
    const [address = ''] = kafka.addresses;
    const broker = { address };
    await writeLetters(
      broker,
      Array.from({ length: LETTERS }, (_, index) => letter(index)),
    );
    const kills = await redriveWithKills(broker, { kills: 6, random: new Random(13), maxDelayMs: 400 });
    expect(kills).toBeGreaterThan(1);
    const redriven = new Map<string, number>();
    await consumeCommitted(address, TELEMETRY, ({ key, value }) => {
      const name = `${key} ${value}`;
      redriven.set(name, (redriven.get(name) ?? 0) + 1);
    });
    const wrong = Array.from({ length: LETTERS }, (_, index) => {
      const name = `vehicle-${index} {"number":${index}}`;
      return { name, times: redriven.get(name) ?? 0 };
    }).filter(({ times }) => times !== 1);
    expect(wrong).toEqual([]);
    expect(redriven.size).toBe(LETTERS);
    expect((await list(broker)).total).toBe(0);
  });
});
