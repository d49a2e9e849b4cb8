import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BoundedLog } from './bounded-log.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe(BoundedLog, () => {
  it('says the first at once, and how many came since, for as long as they come', () => {
    const lines: { msg: string; times: number; client: number }[] = [];
    const write = (line: string) => lines.push(JSON.parse(line) as (typeof lines)[0]);
    const log = new BoundedLog(pino({ base: null }, { write }));
    for (let client = 1; client <= 5; client++) log.say('warn', { client }, 'turned away');
    log.say('error', { client: 9 }, 'something else');
    expect(lines.map(({ msg, times, client }) => [msg, times, client])).toEqual([
      ['turned away', 1, 1],
      ['something else', 1, 9],
    ]);
    vi.advanceTimersByTime(10_000);
    expect(lines.slice(2).map(({ msg, times, client }) => [msg, times, client])).toEqual([
      ['turned away', 4, 5],
    ]);
    log.say('warn', { client: 6 }, 'turned away');
    vi.advanceTimersByTime(20_000);
    expect(lines).toHaveLength(4);
    log.say('warn', { client: 7 }, 'turned away');
    expect(lines).toHaveLength(5);
    log.end();
    expect(vi.getTimerCount()).toBe(0);
  });
});
