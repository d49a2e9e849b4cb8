import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Lanes, type Batch, type KeptEvent } from './lanes.js';

const limits = { maxEvents: 10, maxEventsPerLane: 3 };

function event(id: string): KeptEvent {
  return { id, json: `"${id}"`, sends: 0 };
}

function filled(...ids: string[]): Lanes {
  const lanes = new Lanes();
  for (const id of ids) lanes.put(id[0]!, event(id));
  return lanes;
}

function idsOf(batch: Batch | undefined): string[] | undefined {
  return batch?.events.map(({ id }) => id);
}

describe('Lanes', () => {
  it('gives the oldest events of each lane, bounded by lane and in all', () => {
    const lanes = filled('a1', 'a2', 'a3', 'a4', 'b1', 'c1');
    expect(idsOf(lanes.take({ maxEvents: 4, maxEventsPerLane: 3 }))).toEqual(['a1', 'a2', 'a3', 'b1']);
    expect(idsOf(lanes.take(limits))).toEqual(['c1']);
  });

  it('gives nothing of a lane that has events under way', () => {
    const lanes = filled('a1');
    const batch = lanes.take(limits)!;
    lanes.put('a', event('a2'));
    expect(lanes.take(limits)).toBeUndefined();
    lanes.settle(batch, () => 'accepted');
    expect(idsOf(lanes.take(limits))).toEqual(['a2']);
  });

  it('holds a lane back whose event has to go again, and sends that one first, alone', () => {
    const lanes = filled('a1', 'a2', 'a3', 'a4', 'b1', 'b2');
    const [held, ...others] = lanes.settle(lanes.take(limits)!, ({ id }) =>
      id === 'a2' ? 'again' : 'accepted',
    );
    expect(others).toEqual([]);
    expect(lanes.take(limits)).toBeUndefined();
    lanes.ready(held!);
    const retry = lanes.take(limits)!;
    expect(idsOf(retry)).toEqual(['a2']);
    lanes.settle(retry, () => 'accepted');
    expect(idsOf(lanes.take(limits))).toEqual(['a4']);
  });

  it('gives all of a batch again, in order, when its lanes are made ready', () => {
    const lanes = filled('a1', 'a2', 'b1');
    for (const lane of lanes.take(limits)!.lanes) lanes.ready(lane);
    expect(idsOf(lanes.take(limits))).toEqual(['a1', 'a2', 'b1']);
    expect(lanes.count).toBe(3);
  });

  it('thins by every second event, keeping the newest and what is under way', () => {
    const lanes = filled('a1', 'a2', 'b1', 'b2', 'b3', 'b4', 'b5');
    const batch = lanes.take({ maxEvents: 2, maxEventsPerLane: 2 })!;
    expect(lanes.thin()).toBe(2);
    expect(lanes.count).toBe(5);
    expect(idsOf(batch)).toEqual(['a1', 'a2']);
    expect(idsOf(lanes.take(limits))).toEqual(['b1', 'b3', 'b5']);
  });

  it('ends with every event accepted once, and in order per key unless a single one had to go again', () => {
    const setbacks = fc.array(fc.constantFrom('none', 'batch', 'event'), { maxLength: 200 });
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 40 }), setbacks, (keys, script) => {
        const ids = keys.map((key, index) => `${key}${index}`);
        const hadEventSetback = script.includes('event');
        const accepted = acceptAll(filled(...ids), script);
        for (const key of ['a', 'b', 'c']) {
          const [put, taken] = [ids, accepted].map((list) => list.filter((id) => id.startsWith(key)));
          expect(hadEventSetback ? taken!.toSorted() : taken).toEqual(
            hadEventSetback ? put!.toSorted() : put,
          );
        }
      }),
    );
  });
});

/** Takes batches until there are none; the script says which ones, or which events of them, have to go again. */
function acceptAll(lanes: Lanes, script: string[]): string[] {
  const accepted: string[] = [];
  for (let batch = lanes.take(limits); batch !== undefined; batch = lanes.take(limits)) {
    const setback = script.pop();
    if (setback === 'batch') {
      for (const lane of batch.lanes) lanes.ready(lane);
      continue;
    }
    const [first] = batch.events;
    const setBack = lanes.settle(batch, (each) => {
      if (setback === 'event' && each === first) return 'again';
      accepted.push(each.id);
      return 'accepted';
    });
    for (const lane of setBack) lanes.ready(lane);
  }
  expect(lanes.count).toBe(0);
  return accepted;
}
