import { describe, expect, it } from 'vitest';
import { decideRestart, MAX_RESTARTS, RESTART_WINDOW_MS } from './restart-policy.js';

describe('decideRestart', () => {
  it('doubles the wait with each exit', () => {
    const delays = [1, 2, 3].map((ends) =>
      decideRestart(
        Array.from({ length: ends }, (_, i) => i),
        ends,
      ),
    );
    expect(delays).toEqual([
      { kind: 'restart', delayMs: 200 },
      { kind: 'restart', delayMs: 400 },
      { kind: 'restart', delayMs: 800 },
    ]);
  });

  it('stops restarting a process that exits too often', () => {
    const endedAt = Array.from({ length: MAX_RESTARTS + 1 }, (_, i) => 1_000 + i);
    expect(decideRestart(endedAt.slice(1), 2_000).kind).toBe('restart');
    expect(decideRestart(endedAt, 2_000)).toEqual({ kind: 'give-up', ends: MAX_RESTARTS + 1 });
  });

  it('ignores exits that are older than the window', () => {
    const endedAt = [...Array.from({ length: 20 }, (_, i) => i), RESTART_WINDOW_MS + 100];
    expect(decideRestart(endedAt, RESTART_WINDOW_MS + 100)).toEqual({ kind: 'restart', delayMs: 200 });
  });
});
