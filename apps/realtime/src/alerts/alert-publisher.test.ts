import { alertExample, type AlertRecord } from '@hailstream/events';
import { until } from '@hailstream/service/testing';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { AlertPublisher } from './alert-publisher.js';

const record = (summary: string): AlertRecord => ({ ...alertExample, summary });

function setUp(outcomes: readonly ((records: readonly AlertRecord[]) => readonly AlertRecord[])[]) {
  const [stored, attempts]: [string[], string[][]] = [[], []];
  const left = [...outcomes];
  const publisher = new AlertPublisher(
    async (records) => {
      attempts.push(records.map(({ summary }) => summary));
      const failed = left.shift()?.(records) ?? [];
      return { failed, error: failed.length > 0 ? new Error('no leader') : null };
    },
    (records) => stored.push(...records.map(({ summary }) => summary)),
    pino({ level: 'silent' }),
  );
  return { publisher, stored, attempts };
}

describe(AlertPublisher, () => {
  it('retries what the log refuses, before what follows, and says why', async () => {
    const { publisher, stored, attempts } = setUp([(records) => records.slice(1), (records) => records]);
    publisher.publish([record('a'), record('b'), record('c')]);
    await until(() => publisher.failure === 'no leader', { what: 'the failure' });
    expect(publisher.waitingCount).toBe(2);
    publisher.publish([record('d')]);
    await until(() => publisher.waitingCount === 0, { what: 'the retry' });
    expect(stored).toEqual(['a', 'b', 'c', 'd']);
    expect(attempts.at(-1)).toEqual(['b', 'c', 'd']);
    expect(publisher.failure).toBeNull();
  });

  it('drops what is not in flight if another process decides', async () => {
    const { publisher, stored } = setUp([(records) => records]);
    publisher.publish([record('a')]);
    await until(() => publisher.failure !== null, { what: 'the failure' });
    publisher.forget();
    await until(() => publisher.waitingCount === 0, { what: 'an empty queue' });
    publisher.publish([record('b')]);
    await until(() => stored.length > 0, { what: 'the next record' });
    expect(stored).toEqual(['b']);
    await publisher[Symbol.asyncDispose]();
  });
});
