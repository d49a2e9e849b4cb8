import { describe, expect, it } from 'vitest';
import { InlineWrites } from './inline-writes.js';

const SMALL = [Buffer.alloc(100), Buffer.alloc(200)];

describe('InlineWrites', () => {
  it('inlines small writes only', () => {
    const writes = new InlineWrites();
    expect(writes.shouldInline(SMALL)).toBe(true);
    expect(writes.shouldInline([Buffer.alloc(100_000)])).toBe(false);
    expect(writes.shouldInline(Array.from({ length: 1_000 }, () => Buffer.alloc(1)))).toBe(false);
  });

  it('does not inline while a sync is in progress, even one that fails', async () => {
    const writes = new InlineWrites();
    let fail: (error: Error) => void = () => undefined;
    const sync = new Promise<void>((_resolve, reject) => {
      fail = reject;
    });
    const paused = writes.pausedDuring(() => sync);
    const other = writes.pausedDuring(() => Promise.resolve());
    await other;
    expect(writes.shouldInline(SMALL)).toBe(false);
    fail(new Error('no space left'));
    await expect(paused).rejects.toThrow('no space left');
    expect(writes.shouldInline(SMALL)).toBe(true);
  });
});
