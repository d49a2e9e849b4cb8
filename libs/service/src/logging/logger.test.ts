import { describe, expect, it } from 'vitest';
import { createLogger } from './logger.js';

function logged(err: unknown): Record<string, unknown> {
  const lines: string[] = [];
  const logger = createLogger(
    { name: 'test', level: 'info' },
    { write: (line: string) => void lines.push(line) },
  );
  logger.warn({ err }, 'something happened');
  return (JSON.parse(lines[0] ?? '') as { err: Record<string, unknown> }).err;
}

class LogUnavailableError extends Error {
  override readonly name = 'LogUnavailableError';
  readonly code = 'UNAVAILABLE';
  constructor(readonly retryable: boolean) {
    super('no broker answers', { cause: new Error('the cause') });
  }
}
const refused = (port: number): Error =>
  Object.assign(new Error(`connect ECONNREFUSED 127.0.0.1:${port}`), {
    code: 'ECONNREFUSED',
    syscall: 'connect',
  });

describe('createLogger', () => {
  it('logs transient errors without a stack', () => {
    expect(logged(new LogUnavailableError(true))).toEqual({
      type: 'LogUnavailableError',
      code: 'UNAVAILABLE',
      message: 'no broker answers',
    });
    expect(logged(refused(1))).toEqual({
      type: 'Error',
      code: 'ECONNREFUSED',
      message: 'connect ECONNREFUSED 127.0.0.1:1',
    });
    expect(logged(new AggregateError([refused(1), refused(2)]))).toEqual({
      type: 'AggregateError',
      message: 'connect ECONNREFUSED 127.0.0.1:1; connect ECONNREFUSED 127.0.0.1:2',
    });
  });

  it.each([
    ['a bug', new TypeError('not a function')],
    ['an error that is not retryable', new LogUnavailableError(false)],
    ['several errors of which one is a bug', new AggregateError([refused(1), new TypeError('no')], 'both')],
  ])('keeps the stack of %s', (_, error) => {
    expect(logged(error)).toMatchObject({ message: expect.stringContaining(error.message) as string });
    expect(logged(error)['stack']).toContain('logger.test');
  });
});
