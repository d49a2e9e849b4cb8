import { describe, expect, it } from 'vitest';
import { MAX_MESSAGES_PER_SECOND, MessageMeter } from './message-meter.js';

describe('MessageMeter', () => {
  it('has room for so many messages in a second, and for as many in the next', () => {
    const meter = new MessageMeter();
    for (let count = 0; count < MAX_MESSAGES_PER_SECOND; count += 1) expect(meter.take(5_000)).toBe(true);
    expect(meter.take(5_999)).toBe(false);
    expect(meter.take(6_000)).toBe(true);
  });
});
