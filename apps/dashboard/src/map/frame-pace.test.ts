import { describe, expect, it } from 'vitest';
import { FramePace } from './frame-pace.js';

/** Draws frames at a fixed interval in milliseconds; returns the time after the last one. */
function draw(pace: FramePace, frames: { count: number; everyMs: number; from: number }): number {
  let now = frames.from;
  for (let index = 0; index < frames.count; index++) {
    pace.drawn(now, index > 0);
    now += frames.everyMs;
  }
  return now;
}

describe('FramePace', () => {
  it('draws every frame of a browser that keeps up', () => {
    const pace = new FramePace();
    const now = draw(pace, { count: 500, everyMs: 16.7, from: 0 });
    expect([pace.isSlow, pace.isDue(now)]).toEqual([false, true]);
  });

  it('ignores single slow frames and pauses between two ticks', () => {
    const pace = new FramePace();
    let now = 0;
    for (let tick = 0; tick < 50; tick++) now = draw(pace, { count: 10, everyMs: 16.7, from: now + 900 });
    for (let hiccup = 0; hiccup < 10; hiccup++) {
      pace.drawn(now + 400, true);
      now = draw(pace, { count: 30, everyMs: 16.7, from: now + 400 });
    }
    expect(pace.isSlow).toBe(false);
  });

  it('draws a few frames per second in a slow browser, and retries later', () => {
    const pace = new FramePace();
    const now = draw(pace, { count: 41, everyMs: 120, from: 0 }) - 120;
    expect(pace.isSlow).toBe(true);
    expect([pace.isDue(now + 100), pace.isDue(now + 250)]).toEqual([false, true]);
    expect([pace.isDue(now + 60_001), pace.isSlow]).toEqual([true, false]);
  });
});
