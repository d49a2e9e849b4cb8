import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SinkOutage } from './sink-outage.js';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** An outage, and what it reported. */
function observe() {
  const events: string[] = [];
  const sink = { isUp: false, checks: 0 };
  const outage = new SinkOutage({
    check: () => {
      sink.checks += 1;
      return sink.isUp ? Promise.resolve() : Promise.reject(new Error('no connection'));
    },
    onDown: () => events.push('down'),
    onUp: () => events.push('up'),
    onFailed: ({ message }) => events.push(message),
  });
  return { outage, sink, events };
}

function failTwice(outage: SinkOutage): void {
  outage.failed();
  outage.failed();
}

describe(SinkOutage, () => {
  it('begins with the second failure in a row', () => {
    const { outage, events } = observe();
    outage.failed();
    outage.succeeded();
    outage.failed();
    expect(outage.isDown).toBe(false);
    outage.failed();
    outage.failed();
    expect(outage.isDown).toBe(true);
    expect(events).toEqual(['down']);
  });

  it('ends when a check succeeds', async () => {
    const { outage, sink, events } = observe();
    failTwice(outage);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(outage.isDown).toBe(true);
    sink.isUp = true;
    await vi.advanceTimersByTimeAsync(2_000);
    expect(outage.isDown).toBe(false);
    expect(events.at(0)).toBe('down');
    expect(events.at(-1)).toBe('up');
    expect(events).toContain('no connection');
  });

  it('ends when a delivery that was in progress succeeds', async () => {
    const { outage, sink, events } = observe();
    failTwice(outage);
    outage.succeeded();
    await vi.advanceTimersByTimeAsync(0);
    expect(events).toEqual(['down', 'up']);
    expect(sink.checks).toBe(0);
  });

  it('needs two failures again after it has ended', async () => {
    const { outage, sink, events } = observe();
    failTwice(outage);
    sink.isUp = true;
    await vi.advanceTimersByTimeAsync(1_000);
    outage.failed();
    expect(events).toEqual(['down', 'up']);
    outage.failed();
    expect(events).toEqual(['down', 'up', 'down']);
  });

  it('lets deliveries wait until it ends, or they are aborted', async () => {
    const { outage, sink } = observe();
    const stop = new AbortController();
    const done: string[] = [];
    await outage.untilUp(stop.signal);
    failTwice(outage);
    void outage.untilUp(stop.signal).then(() => done.push('aborted'));
    void outage.untilUp(new AbortController().signal).then(() => done.push('up'));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(done).toEqual([]);
    stop.abort();
    await vi.advanceTimersByTimeAsync(0);
    expect(done).toEqual(['aborted']);
    sink.isUp = true;
    await vi.advanceTimersByTimeAsync(30_000);
    expect(done).toEqual(['aborted', 'up']);
  });

  it('ends at once when a delivery succeeds while the sink is checked', async () => {
    const events: string[] = [];
    const outage = new SinkOutage({
      check: () => new Promise<void>(() => undefined),
      onDown: () => events.push('down'),
      onUp: () => events.push('up'),
      onFailed: () => undefined,
    });
    failTwice(outage);
    await vi.advanceTimersByTimeAsync(1_000);
    const waiting = outage.untilUp(new AbortController().signal);
    outage.succeeded();
    await waiting;
    expect(events).toEqual(['down', 'up']);
  });

  it('checks about every 30 seconds after some minutes', async () => {
    const { outage, sink } = observe();
    failTwice(outage);
    await vi.advanceTimersByTimeAsync(5 * 60_000);
    const before = sink.checks;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sink.checks - before).toBeLessThanOrEqual(3);
    expect(sink.checks - before).toBeGreaterThanOrEqual(1);
  });

  it('checks less and less often if deliveries fail although the checks succeed', async () => {
    const { outage, sink, events } = observe();
    sink.isUp = true;
    for (let time = 0; time < 60; time += 1) {
      outage.failed();
      await vi.advanceTimersByTimeAsync(1_000);
    }
    expect(events.filter((event) => event === 'up').length).toBeLessThanOrEqual(10);
  });

  it('stops checking when it is disposed', async () => {
    const { outage, sink, events } = observe();
    failTwice(outage);
    outage[Symbol.dispose]();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sink.checks).toBe(0);
    expect(events).toEqual(['down']);
  });
});
