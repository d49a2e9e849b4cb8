import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyQueues, type Batch, type PendingEvent } from './key-queues.js';

const limits = { maxEvents: 10, maxEventsPerKey: 3 };

function event(id: string): PendingEvent {
  return { id, json: `"${id}"`, sends: 0 };
}

function filled(...ids: string[]): KeyQueues {
  const queues = new KeyQueues();
  for (const id of ids) queues.add(id[0]!, event(id));
  return queues;
}

function idsOf(batch: Batch | undefined): string[] | undefined {
  return batch?.events.map(({ id }) => id);
}

describe('KeyQueues', () => {
  it('takes the oldest events of each key, limited per key and in total', () => {
    const queues = filled('a1', 'a2', 'a3', 'a4', 'b1', 'c1');
    expect(idsOf(queues.nextBatch({ maxEvents: 4, maxEventsPerKey: 3 }))).toEqual(['a1', 'a2', 'a3', 'b1']);
    expect(idsOf(queues.nextBatch(limits))).toEqual(['c1']);
  });

  it('takes no events of a key that has events in flight', () => {
    const queues = filled('a1');
    const batch = queues.nextBatch(limits)!;
    queues.add('a', event('a2'));
    expect(queues.nextBatch(limits)).toBeUndefined();
    queues.complete(batch, () => 'accepted');
    expect(idsOf(queues.nextBatch(limits))).toEqual(['a2']);
  });

  it('holds back a key with a retried event, and sends that event first and without others of its key', () => {
    const queues = filled('a1', 'a2', 'a3', 'a4', 'b1', 'b2');
    const [held, ...others] = queues.complete(queues.nextBatch(limits)!, ({ id }) =>
      id === 'a2' ? 'retry' : 'accepted',
    );
    expect(others).toEqual([]);
    expect(queues.nextBatch(limits)).toBeUndefined();
    queues.makeReady(held!);
    const retry = queues.nextBatch(limits)!;
    expect(idsOf(retry)).toEqual(['a2']);
    queues.complete(retry, () => 'accepted');
    expect(idsOf(queues.nextBatch(limits))).toEqual(['a4']);
  });

  it('takes all events of a failed batch again, in order, after its queues were made ready', () => {
    const queues = filled('a1', 'a2', 'b1');
    for (const queue of queues.nextBatch(limits)!.queues) queues.makeReady(queue);
    expect(idsOf(queues.nextBatch(limits))).toEqual(['a1', 'a2', 'b1']);
    expect(queues.count).toBe(3);
  });

  it('drops every second event, but neither the newest of a key nor those in flight', () => {
    const queues = filled('a1', 'a2', 'b1', 'b2', 'b3', 'b4', 'b5');
    const batch = queues.nextBatch({ maxEvents: 2, maxEventsPerKey: 2 })!;
    expect(queues.thin()).toBe(2);
    expect(queues.count).toBe(5);
    expect(idsOf(batch)).toEqual(['a1', 'a2']);
    expect(idsOf(queues.nextBatch(limits))).toEqual(['b1', 'b3', 'b5']);
  });

  it('accepts every event once, in order per key unless a single event was retried', () => {
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

/** Completes batches until none is left. The script decides which batches, or which events, are retried. */
function acceptAll(queues: KeyQueues, script: string[]): string[] {
  const accepted: string[] = [];
  for (let batch = queues.nextBatch(limits); batch !== undefined; batch = queues.nextBatch(limits)) {
    const setback = script.pop();
    if (setback === 'batch') {
      for (const queue of batch.queues) queues.makeReady(queue);
      continue;
    }
    const [first] = batch.events;
    const retried = queues.complete(batch, (each) => {
      if (setback === 'event' && each === first) return 'retry';
      accepted.push(each.id);
      return 'accepted';
    });
    for (const queue of retried) queues.makeReady(queue);
  }
  expect(queues.count).toBe(0);
  return accepted;
}
