import { describe, expect, it } from 'vitest';
import { PromptWrites } from './prompt-writes.js';

const SMALL = [Buffer.alloc(100), Buffer.alloc(200)];

describe('PromptWrites', () => {
  it('are for small writes', () => {
    const writes = new PromptWrites();
    expect(writes.areWise(SMALL)).toBe(true);
    expect(writes.areWise([Buffer.alloc(100_000)])).toBe(false);
    expect(writes.areWise(Array.from({ length: 1_000 }, () => Buffer.alloc(1)))).toBe(false);
  });

  it('wait until no sync is under way, however it ends', async () => {
    const writes = new PromptWrites();
    let fail: (error: Error) => void = () => undefined;
    const sync = new Promise<void>((_resolve, reject) => {
      fail = reject;
    });
    const paused = writes.pausedDuring(() => sync);
    const other = writes.pausedDuring(() => Promise.resolve());
    await other;
    expect(writes.areWise(SMALL)).toBe(false);
    fail(new Error('no space left'));
    await expect(paused).rejects.toThrow('no space left');
    expect(writes.areWise(SMALL)).toBe(true);
  });
});
