import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Group } from './group.js';

const DELAY_MS = 3000;
const REBALANCE_MS = 10_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function makeGroup(): Group {
  return new Group('riders', {
    save: () => Promise.resolve(),
    emptied: () => undefined,
    onEvent: () => undefined,
    maxSize: () => 100,
    initialDelayMs: () => DELAY_MS,
  });
}

function join(group: Group, clientId: string) {
  return group.join({
    memberId: '',
    groupInstanceId: null,
    clientId,
    clientHost: '/127.0.0.1',
    sessionTimeoutMs: 6000,
    rebalanceTimeoutMs: REBALANCE_MS,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
    requireKnownMemberId: false,
    supportsSkipAssignment: true,
  });
}

describe('group.initial.rebalance.delay.ms', () => {
  it('delays the first rebalance, and is extended by members that join', async () => {
    const group = makeGroup();
    const first = join(group, 'a');
    await vi.advanceTimersByTimeAsync(DELAY_MS - 1);
    const second = join(group, 'b');
    await vi.advanceTimersByTimeAsync(DELAY_MS);
    expect(group.state).toBe('PreparingRebalance');
    await vi.advanceTimersByTimeAsync(1);
    expect(group.state).toBe('CompletingRebalance');
    expect([(await first).generationId, (await second).generationId]).toEqual([1, 1]);
    expect((await first).members).toHaveLength(2);
  });

  it('is limited by the rebalance timeout', async () => {
    const group = makeGroup();
    const answers = [join(group, 'a')];
    for (let i = 0; i < 6; i++) {
      await vi.advanceTimersByTimeAsync(2000);
      if (group.state === 'PreparingRebalance') answers.push(join(group, `b${i}`));
    }
    expect(group.generationId).toBe(1);
    for (const answer of answers) expect((await answer).generationId).toBe(1);
  });

  it('ends when all members leave', async () => {
    const group = makeGroup();
    const answer = join(group, 'a');
    const [memberId] = group.members.keys();
    group.leave({ memberId: memberId as string, groupInstanceId: null });
    expect(group.state).toBe('Empty');
    expect((await answer).error).not.toBe(0);
    await vi.advanceTimersByTimeAsync(DELAY_MS);
    expect(group.state).toBe('Empty');
  });
});
