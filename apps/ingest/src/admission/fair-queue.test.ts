import { describe, expect, it } from 'vitest';
import { FairQueue, type WaitingWork } from './fair-queue.js';

const party = (): WaitingWork => ({ waiting: [] });

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
    return { queue, work, done, nextTurn, pass: (ms: number) => (now += ms) };
  }

  it('runs work at once while there is little of it in a turn of the event loop', async () => {
    const { queue, work, done, nextTurn } = queueWithClock();
    const one = party();
    for (let turn = 0; turn < 3; turn += 1) {
      queue.run(one, work('a', 2));
      queue.run(one, work('b', 2));
      expect(done.splice(0)).toEqual(['a', 'b']);
      await nextTurn();
    }
  });

  it('lets parties take turns when there is much work', async () => {
    const { queue, work, done, nextTurn } = queueWithClock();
    const [much, little] = [party(), party()];
    for (const name of ['m1', 'm2', 'm3', 'm4']) queue.run(much, work(name, 10));
    queue.run(little, work('l1', 1));
    queue.run(little, work('l2', 1));
    while (much.waiting.length > 0) await nextTurn();
    expect(done).toEqual(['m1', 'm2', 'l1', 'm3', 'l2', 'm4']);
  });

  it('runs the work of a party in its order', async () => {
    const { queue, work, done, nextTurn } = queueWithClock();
    const one = party();
    const names = Array.from({ length: 20 }, (_, index) => `${index}`);
    for (const name of names) {
      queue.run(one, work(name, 3));
      if (Number(name) % 4 === 0) await nextTurn();
    }
    while (one.waiting.length > 0) await nextTurn();
    expect(done).toEqual(names);
  });

  it('serves connections between slices of work', async () => {
    const { queue, work, done, nextTurn } = queueWithClock();
    const one = party();
    for (let index = 0; index < 10; index += 1) queue.run(one, work('w', 4));
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
    const [much, little] = [party(), party()];
    for (let index = 0; index < 1_000; index += 1) queue.run(much, work('m', 8));
    for (let request = 0; request < 20; request += 1) {
      const before = done.length;
      queue.run(little, work('l', 1));
      while (little.waiting.length > 0) await nextTurn();
      expect(done.slice(before).filter((name) => name === 'm').length).toBeLessThanOrEqual(2);
      await nextTurn();
    }
  });

  it('knows how long the work of a party has waited', () => {
    const { queue, work, pass } = queueWithClock();
    const [one, other] = [party(), party()];
    queue.run(one, work('a', 10));
    queue.run(one, work('b', 10));
    pass(300);
    expect([queue.waitedMs(one), queue.waitedMs(other)]).toEqual([300, 0]);
  });
});
