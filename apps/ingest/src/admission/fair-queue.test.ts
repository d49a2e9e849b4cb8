import { describe, expect, it } from 'vitest';
import { FairQueue, newParty } from './fair-queue.js';

describe(FairQueue, () => {
  /** A queue with a clock that only work advances. */
  function queueWithClock() {
    let now = 0;
    const done: string[] = [];
    const queue = new FairQueue(() => now);
    const work = (name: string, ms: number) => (): void => {
      now += ms;
      done.push(name);
    };
    const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    return { queue, work, done, nextTurn, now: () => now, pass: (ms: number) => (now += ms) };
  }

  it('runs work at once while there is little of it in a turn of the event loop', async () => {
    const { queue, work, done, nextTurn } = queueWithClock();
    const one = newParty();
    for (let turn = 0; turn < 3; turn += 1) {
      queue.run(one, 1, work('a', 2));
      queue.run(one, 1, work('b', 2));
      expect(done.splice(0)).toEqual(['a', 'b']);
      await nextTurn();
    }
  });

  it('lets parties take turns when there is much work', async () => {
    const { queue, work, done, nextTurn } = queueWithClock();
    const [much, little] = [newParty(), newParty()];
    for (const name of ['m1', 'm2', 'm3', 'm4']) queue.run(much, 1, work(name, 10));
    queue.run(little, 1, work('l1', 1));
    queue.run(little, 1, work('l2', 1));
    while (much.waiting.length > 0) await nextTurn();
    // m2 has used the turns of several rounds.
    expect(done).toEqual(['m1', 'm2', 'l1', 'l2', 'm3', 'm4']);
  });

  it('runs the work of a party in its order', async () => {
    const { queue, work, done, nextTurn } = queueWithClock();
    const one = newParty();
    const names = Array.from({ length: 20 }, (_, index) => `${index}`);
    for (const name of names) {
      queue.run(one, 1, work(name, 3));
      if (Number(name) % 4 === 0) await nextTurn();
    }
    while (one.waiting.length > 0) await nextTurn();
    expect(done).toEqual(names);
  });

  it('serves connections between slices of work', async () => {
    const { queue, work, done, nextTurn } = queueWithClock();
    const one = newParty();
    for (let index = 0; index < 10; index += 1) queue.run(one, 1, work('w', 4));
    let turns = 0;
    while (one.waiting.length > 0) {
      await nextTurn();
      turns += 1;
    }
    expect(done).toHaveLength(10);
    expect(turns).toBeGreaterThanOrEqual(4);
  });

  it('delays a party with little work by one piece of the work of another, however much waits', async () => {
    const { queue, work, done, nextTurn } = queueWithClock();
    const [much, little] = [newParty(), newParty()];
    for (let index = 0; index < 1_000; index += 1) queue.run(much, 1, work('m', 8));
    for (let request = 0; request < 20; request += 1) {
      const before = done.length;
      queue.run(little, 1, work('l', 1));
      while (little.waiting.length > 0) await nextTurn();
      expect(done.slice(before).filter((name) => name === 'm').length).toBeLessThanOrEqual(2);
      await nextTurn();
    }
  });

  it('lets parties use equal processor time, whatever their pieces cost', async () => {
    const { queue, work, done, nextTurn, now } = queueWithClock();
    const [expensive, cheap] = [newParty(), newParty()];
    for (let index = 0; index < 100; index += 1) queue.run(expensive, 1, work('e', 20));
    for (let index = 0; index < 4_000; index += 1) queue.run(cheap, 1, work('c', 0.5));
    while (now() < 1_000) await nextTurn();
    const times = { e: 0, c: 0 };
    for (const name of done) times[name as 'e' | 'c'] += name === 'e' ? 20 : 0.5;
    expect(times.e / times.c).toBeGreaterThan(0.9);
    expect(times.e / times.c).toBeLessThan(1.15);
  });

  it('expects waits from the rate at which work was done', async () => {
    const { queue, work, nextTurn, pass } = queueWithClock();
    const [much, little] = [newParty(), newParty()];
    expect(queue.expectedWaitMs(much, 10)).toBe(0);
    for (let index = 0; index < 200; index += 1) queue.run(much, 10, work('m', 2));
    queue.run(little, 10, work('l', 2));
    for (let turn = 0; turn < 20; turn += 1) await nextTurn();
    // Pauses of the process do not last.
    for (let pause = 0; pause < 4; pause += 1) {
      pass(1_000);
      await nextTurn();
    }
    const waiting = much.waiting.length;
    expect(queue.expectedWaitMs(much, 10)).toBeCloseTo(2 * waiting);
    queue.run(little, 10, work('l', 2));
    // Its second piece runs at the latest when the other one has used as much: twice 2 pieces.
    expect(queue.expectedWaitMs(little, 10)).toBeCloseTo(8);
  });
});
