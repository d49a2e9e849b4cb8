import { describe, expect, it } from 'vitest';
import { Holds } from './pause-reasons.js';

const partition = { topic: 'a', partition: 1 };

describe('Holds', () => {
  it('holds a partition until the last of those who asked for it releases it', () => {
    const holds = new Holds();
    expect(holds.hold(partition, 'asked-for')).toBe(true);
    expect(holds.hold(partition, 'backoff')).toBe(false);
    expect(holds.release(partition, 'asked-for')).toBe(false);
    expect(holds.isHeld(partition)).toBe(true);
    expect(holds.release(partition, 'backoff')).toBe(true);
    expect(holds.isHeld(partition)).toBe(false);
  });

  it('takes releasing what was not held for nothing', () => {
    expect(new Holds().release(partition, 'backoff')).toBe(false);
  });

  it('tells partitions of other topics apart', () => {
    const holds = new Holds();
    holds.hold(partition, 'backoff');
    expect(holds.isHeld({ topic: 'b', partition: 1 })).toBe(false);
  });
});
