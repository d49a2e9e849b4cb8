import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Turns } from './turns.js';

/** Each look at the clock takes a millisecond. */
function newTurns(): Turns {
  let now = 0;
  return new Turns(() => (now += 1));
}

async function work(turns: Turns, pieces: number, done: () => void): Promise<void> {
  for (let piece = 0; piece < pieces; piece += 1) {
    if (turns.isOver) await turns.next();
    done();
  }
}

describe('Turns', () => {
  it('does not interrupt work that is short', () => {
    let done = 0;
    void work(newTurns(), 5, () => (done += 1));
    expect(done).toBe(5);
  });

  it('lets the event loop turn between slices of work', async () => {
    let [done, longest, turnsOfLoop, doneBefore] = [0, 0, 0, 0];
    const worker = work(newTurns(), 1_000, () => (done += 1));
    while (done < 1_000) {
      longest = Math.max(longest, done - doneBefore);
      doneBefore = done;
      turnsOfLoop += 1;
      await nextTurn();
    }
    await worker;
    expect(longest).toBeLessThanOrEqual(20);
    expect(turnsOfLoop).toBeGreaterThanOrEqual(50);
  });

  it('divides the turns among several, so that none waits for the end of another', async () => {
    const turns = newTurns();
    const done = [0, 0, 0];
    const workers = done.map((_, worker) => work(turns, 200, () => (done[worker]! += 1)));
    while (Math.max(...done) < 100) await nextTurn();
    expect(Math.min(...done)).toBeGreaterThan(50);
    await Promise.all(workers);
    expect(done).toEqual([200, 200, 200]);
  });

  it('runs steps to their end', async () => {
    function* count(): Generator<void, number> {
      for (let step = 0; step < 100; step += 1) yield;
      return 100;
    }
    expect(await newTurns().run(count())).toBe(100);
  });
});
