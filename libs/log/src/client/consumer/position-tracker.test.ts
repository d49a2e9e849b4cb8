import { describe, expect, it } from 'vitest';
import { PositionTracker } from './position-tracker.js';

const [first, second] = [
  { topic: 'a', partition: 0 },
  { topic: 'a', partition: 1 },
];

describe('PositionTracker', () => {
  it('reports position, end and the records between them of each partition', () => {
    const tracker = new PositionTracker();
    tracker.reset(first, { offset: 5n, end: 10n });
    tracker.reset(second, { offset: 0n, end: 3n });
    tracker.advance(first, 8n);
    expect(tracker.lag([first, second])).toEqual([
      { ...first, position: 8n, highWatermark: 10n, records: 2n },
      { ...second, position: 0n, highWatermark: 3n, records: 3n },
    ]);
  });

  it('reports nothing of a partition whose position is unknown', () => {
    const tracker = new PositionTracker();
    tracker.observeEnd(first, 10n);
    expect(tracker.lag([first])).toEqual([]);
  });

  it('reports no lag if the known end is older than the position', () => {
    const tracker = new PositionTracker();
    tracker.reset(first, { offset: 5n, end: 10n });
    tracker.advance(first, 12n);
    tracker.observeEnd(first, 11n);
    expect(tracker.lag([first])[0]?.records).toBe(0n);
  });

  it('drops the end of the old log when the position is reset', () => {
    const tracker = new PositionTracker();
    tracker.reset(first, { offset: 0n, end: 1_000n });
    tracker.reset(first, { offset: 0n, end: 2n });
    expect(tracker.lag([first])[0]?.records).toBe(2n);
  });

  it('ignores an end of the old log that arrives after the reset', () => {
    const tracker = new PositionTracker();
    tracker.reset(first, { offset: 0n, end: 1_000n });
    const observeEnd = tracker.endObserver();
    tracker.reset(first, { offset: 0n, end: 2n });
    observeEnd(first, 1_001n);
    expect(tracker.lag([first])[0]?.records).toBe(2n);
  });
});
