import { describe, expect, it } from 'vitest';
import { MAX_MESSAGES_PER_SECOND, MessageMeter } from './client.socket.js';

describe('MessageMeter', () => {
  it('allows the maximum number of messages in each second', () => {
    const meter = new MessageMeter();
    for (let count = 0; count < MAX_MESSAGES_PER_SECOND; count += 1) expect(meter.allow(5_000)).toBe(true);
    expect(meter.allow(5_999)).toBe(false);
    expect(meter.allow(6_000)).toBe(true);
  });
});
