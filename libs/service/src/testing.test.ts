import { describe, expect, it } from 'vitest';
import { until } from './testing.js';

describe('until', () => {
  it('returns the first value that is not undefined, null or false', async () => {
    const values = [undefined, null, false, 0, 1];
    expect(await until(() => values.shift(), { pollMs: 1 })).toBe(0);
    expect(values).toEqual([1]);
  });

  it('polls again after an error', async () => {
    let calls = 0;
    const condition = (): Promise<string> => {
      calls += 1;
      return calls < 3 ? Promise.reject(new Error('not listening')) : Promise.resolve('ready');
    };
    expect(await until(condition, { pollMs: 1 })).toBe('ready');
  });

  it('names the condition and its last error if the time is up', async () => {
    const cause = new Error('not listening');
    const waiting = until(() => Promise.reject(cause), { timeoutMs: 5, pollMs: 1, what: 'readiness' });
    await expect(waiting).rejects.toMatchObject({
      message: 'not within 5 ms: readiness: Error: not listening',
      cause,
    });
  });

  it('has no cause if the condition did not throw', async () => {
    const error: unknown = await until(() => false, { timeoutMs: 1, pollMs: 1 }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ message: 'not within 1 ms: () => false' });
    expect(error).not.toHaveProperty('cause');
  });
});
