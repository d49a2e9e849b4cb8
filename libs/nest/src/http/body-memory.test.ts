import { describe, expect, it } from 'vitest';
import { BodyMemory, type HeldBody } from './body-memory.js';

function memoryOf(limits: { readonly totalBytes: number; readonly partyBytes: number }) {
  let now = 0;
  const memory = new BodyMemory<string>(limits, () => now);
  const refused: string[] = [];
  const hold = (party: string, bytes: number): HeldBody<string> | 'share' | 'total' =>
    memory.hold(party, {
      bytes,
      onSlow: ({ problem }) => refused.push(`${party} ${bytes} ${problem.status}`),
    });
  return {
    memory,
    refused,
    pass: (ms: number) => void (now += ms),
    hold,
    /** A body for which there is room. */
    held: (party: string, bytes: number): HeldBody<string> => hold(party, bytes) as HeldBody<string>,
  };
}

describe(BodyMemory, () => {
  it('is refused to a party beyond its share, and to all when it is full', () => {
    const { hold, memory } = memoryOf({ totalBytes: 100, partyBytes: 50 });
    expect(hold('a', 40)).toMatchObject({ bytes: 40 });
    expect(hold('a', 20)).toBe('share');
    expect(hold('b', 50)).toMatchObject({ bytes: 50 });
    expect(hold('c', 20)).toBe('total');
    expect(hold('c', 10)).toMatchObject({ bytes: 10 });
    expect(memory.heldBytes).toBe(100);
  });

  it('has room for a further party, however much the others want', () => {
    const { hold, memory } = memoryOf({ totalBytes: 1_024, partyBytes: 512 });
    for (const party of ['a', 'b', 'c', 'd', 'e', 'f']) {
      expect(hold(party, 4)).toMatchObject({ bytes: 4 });
      while (hold(party, 4) !== 'share');
    }
    expect(memory.heldBytes).toBeLessThan(1_024 - 4);
    expect(memory.heldBy('a')).toBe(512);
  });

  it('has room for a single body of a party that is larger than its share', () => {
    const { hold } = memoryOf({ totalBytes: 100, partyBytes: 50 });
    expect(hold('a', 80)).toMatchObject({ bytes: 80 });
    expect(hold('a', 1)).toBe('share');
  });

  it('refuses slow bodies of the party with most of them with 408, the oldest first, if others need the memory', () => {
    const { hold, pass, refused, memory } = memoryOf({ totalBytes: 100, partyBytes: 60 });
    hold('large', 30);
    pass(10);
    hold('large', 29);
    hold('small', 10);
    hold('other', 31);
    expect(hold('new', 20)).toBe('total');
    pass(995);
    // The others are not slow yet.
    expect(hold('new', 31)).toBe('total');
    expect(refused).toEqual(['large 30 408']);
    pass(5);
    expect(hold('new', 31)).toMatchObject({ bytes: 31 });
    expect(refused).toEqual(['large 30 408', 'other 31 408']);
    expect(memory.heldBytes).toBe(70);
  });

  it('refuses slow bodies of a party that uses its whole share, and none of others', () => {
    const { hold, pass, refused } = memoryOf({ totalBytes: 1_000, partyBytes: 50 });
    hold('other', 50);
    hold('a', 30);
    pass(1_000);
    hold('a', 20);
    expect(hold('a', 31)).toBe('share');
    expect(hold('a', 30)).toMatchObject({ bytes: 30 });
    expect(refused).toEqual(['a 30 408']);
  });

  it('does not refuse bodies that have arrived', () => {
    const { held, hold, memory, pass, refused } = memoryOf({ totalBytes: 100, partyBytes: 100 });
    memory.arrive(held('a', 40));
    memory.resize(held('b', 50), 60);
    pass(60_000);
    expect([hold('a', 10), hold('b', 10), hold('c', 10)]).toEqual(['share', 'share', 'total']);
    expect(refused).toEqual([]);
  });

  it('is released once, however often', () => {
    const { held, hold, memory, pass } = memoryOf({ totalBytes: 100, partyBytes: 100 });
    const slow = held('a', 60);
    const kept = held('a', 40);
    pass(1_000);
    expect(hold('b', 50)).toMatchObject({ bytes: 50 });
    memory.resize(slow, 5);
    memory.arrive(slow);
    memory.release(slow);
    expect([memory.heldBy('a'), memory.heldBytes]).toEqual([40, 90]);
    memory.release(kept);
    memory.release(kept);
    expect([memory.heldBy('a'), memory.heldBytes]).toEqual([0, 50]);
  });
});
