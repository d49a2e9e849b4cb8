import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RateLimitedLogger } from './rate-limited-logger.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe(RateLimitedLogger, () => {
  it('logs a message at once, then every ten seconds with the number of occurrences', () => {
    const lines: [string, string, object][] = [];
    const logger = new RateLimitedLogger({
      warn: (fields, message) => lines.push(['warn', message, fields]),
      error: (fields, message) => lines.push(['error', message, fields]),
    });
    for (let client = 1; client <= 5; client++) logger.warn({ client }, 'connection rejected');
    logger.error({ client: 9 }, 'append failed');
    expect(lines).toEqual([
      ['warn', 'connection rejected', { client: 1, times: 1 }],
      ['error', 'append failed', { client: 9, times: 1 }],
    ]);
    vi.advanceTimersByTime(10_000);
    expect(lines.slice(2)).toEqual([['warn', 'connection rejected', { client: 5, times: 4 }]]);
    logger.warn({ client: 6 }, 'connection rejected');
    vi.advanceTimersByTime(20_000);
    expect(lines).toHaveLength(4);
    logger.warn({ client: 7 }, 'connection rejected');
    expect(lines).toHaveLength(5);
    logger.stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});
