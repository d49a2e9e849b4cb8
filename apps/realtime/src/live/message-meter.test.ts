import { describe, expect, it } from 'vitest';
import { MessageMeter } from './message-meter.js';

describe('MessageMeter', () => {
  it('allows the maximum number of messages in each second', () => {
    const meter = new MessageMeter(3);
    for (let count = 0; count < 3; count += 1) expect(meter.allow(5_000)).toBe(true);
    expect(meter.allow(5_999)).toBe(false);
    expect(meter.allow(6_000)).toBe(true);
  });
});
