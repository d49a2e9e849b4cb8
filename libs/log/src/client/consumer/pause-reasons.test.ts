import { describe, expect, it } from 'vitest';
import { PauseReasons } from './pause-reasons.js';

const partition = { topic: 'a', partition: 1 };

describe('PauseReasons', () => {
  it('keeps a partition paused until its last reason is removed', () => {
    const reasons = new PauseReasons();
    expect(reasons.add(partition, 'application')).toBe(true);
    expect(reasons.add(partition, 'backoff')).toBe(false);
    expect(reasons.remove(partition, 'application')).toBe(false);
    expect(reasons.isPaused(partition)).toBe(true);
    expect(reasons.remove(partition, 'backoff')).toBe(true);
    expect(reasons.isPaused(partition)).toBe(false);
  });

  it('ignores the removal of a reason that was not added', () => {
    expect(new PauseReasons().remove(partition, 'backoff')).toBe(false);
  });

  it('distinguishes partitions of different topics', () => {
    const reasons = new PauseReasons();
    reasons.add(partition, 'backoff');
    expect(reasons.isPaused({ topic: 'b', partition: 1 })).toBe(false);
  });
});
