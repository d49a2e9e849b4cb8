import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ErrorCode, type ProtocolError } from '../../../protocol/error-codes.js';
import { Group } from './group.js';
import type { JoinAnswer, SyncAnswer } from './member.js';
import type { JoinRequest } from './requests.js';
import { TRANSITIONS, type GroupEvent, type GroupState, type Reaction } from './transitions.js';

const METADATA = Buffer.from('topics');
const NOBODY = { memberId: '', groupInstanceId: null, generationId: -1 };

function joinOf(change: Partial<JoinRequest> = {}): JoinRequest {
  return {
    memberId: '',
    groupInstanceId: null,
    clientId: 'client',
    clientHost: '/127.0.0.1',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 30_000,
    protocolType: 'consumer',
    protocols: ['range', 'roundrobin'].map((name) => ({ name, metadata: METADATA })),
    requireKnownMemberId: false,
    supportsSkipAssignment: true,
    ...change,
  };
}

/** A group in a state, with a leader, a follower and a static member if the state has members. */
interface Scene {
  readonly group: Group;
  leader: string;
  follower: string;
  fixed: string;
}

async function sceneIn(state: GroupState): Promise<Scene> {
  const group = new Group('g', {
    save: async () => undefined,
    emptied: () => undefined,
    maxSize: () => 10,
    onEvent: () => undefined,
    initialDelayMs: () => 0,
  });
  const scene = { group, leader: 'nobody', follower: 'nobody', fixed: 'nobody' };
  if (state === 'Empty') return scene;
  if (state === 'Dead') {
    group.close();
    return scene;
  }
  const leader = await group.join(joinOf());
  const joins = [
    group.join(
      joinOf({ memberId: leader.memberId, protocols: [{ name: 'range', metadata: Buffer.from('again') }] }),
    ),
    group.join(joinOf()),
    group.join(joinOf({ groupInstanceId: 'fixed' })),
  ];
  // The second join of the leader starts a rebalance that completes at once; it rejoins that of the others.
  await vi.advanceTimersByTimeAsync(0);
  joins.push(group.join(joinOf({ memberId: leader.memberId })));
  const answers = (await Promise.all(joins)).slice(1) as JoinAnswer[];
  [scene.follower, scene.fixed, scene.leader] = answers.map(({ memberId }) => memberId) as [
    string,
    string,
    string,
  ];
  expect(group.state).toBe('CompletingRebalance');
  expect(group.leaderId).toBe(scene.leader);
  if (state === 'CompletingRebalance') return scene;
  const syncs = [scene.follower, scene.fixed, scene.leader].map((memberId) =>
    group.sync(syncOf(group, memberId)),
  );
  await Promise.all(syncs);
  expect(group.state).toBe('Stable');
  if (state === 'PreparingRebalance') void group.join(joinOf());
  return scene;
}

function syncOf(group: Group, memberId: string) {
  return {
    memberId,
    groupInstanceId: null,
    generationId: group.generationId,
    protocolType: null,
    protocolName: null,
    assignments: [{ memberId, assignment: Buffer.from('mine') }],
  };
}

/** Triggers an event. Resolves with its response, or with 'parked' if it waits. */
async function happen(event: GroupEvent, { group, leader, follower, fixed }: Scene): Promise<unknown> {
  const other = [{ name: 'range', metadata: Buffer.from('other topics') }];
  const withoutChosen = [{ name: 'roundrobin', metadata: METADATA }];
  const member = (memberId: string) => ({
    memberId,
    groupInstanceId: null,
    generationId: group.generationId,
  });
  const acts: Record<GroupEvent, () => unknown> = {
    'join-new': () => group.join(joinOf()),
    'join-same-follower': () => group.join(joinOf({ memberId: follower })),
    'join-same-leader': () => group.join(joinOf({ memberId: leader })),
    'join-changed': () => group.join(joinOf({ memberId: follower, protocols: other })),
    'replace-same': () => group.join(joinOf({ groupInstanceId: 'fixed' })),
    'replace-changed': () => group.join(joinOf({ groupInstanceId: 'fixed', protocols: withoutChosen })),
    'sync-leader': () => group.sync(syncOf(group, leader)),
    'sync-follower': () => group.sync(syncOf(group, follower)),
    heartbeat: () => group.heartbeat(member(follower)),
    'member-gone': () => group.leave(member(fixed)),
    'commit-member': () => group.checkCommit(member(follower)),
    'commit-outside': () => group.checkCommit(NOBODY),
    'transactional-commit-member': () => group.checkCommit(member(follower), 'transactional'),
    'transactional-commit-outside': () => group.checkCommit(NOBODY, 'transactional'),
  };
  const answer = (async () => acts[event]())().catch((error: ProtocolError) => error.code);
  const parked = vi.advanceTimersByTimeAsync(1).then(() => 'parked');
  return Promise.race([answer, parked]);
}

/** The observable result of a reaction. */
const SEEN: Record<Reaction, (answer: unknown, group: Group, before: GroupState) => void> = {
  rebalance: (answer, group, before) => {
    // The first member of an empty group does not wait.
    expect(group.state).toBe(before === 'Empty' ? 'CompletingRebalance' : 'PreparingRebalance');
    if (before !== 'Empty') expect(answer).toBe('parked');
  },
  'park-join': (answer, group) => {
    expect(answer).toBe('parked');
    expect(group.state).toBe('PreparingRebalance');
  },
  'answer-join': (answer, group, before) => {
    expect((answer as JoinAnswer).error).toBe(ErrorCode.NONE);
    expect((answer as JoinAnswer).generationId).toBe(group.generationId);
    expect(group.state).toBe(before);
  },
  assign: (answer, group) => {
    expect((answer as SyncAnswer).assignment.toString()).toBe('mine');
    expect(group.state).toBe('Stable');
  },
  'park-sync': (answer, group, before) => {
    expect(answer).toBe('parked');
    expect(group.state).toBe(before);
  },
  'answer-sync': (answer) => {
    expect((answer as SyncAnswer).error).toBe(ErrorCode.NONE);
  },
  renew: (answer) => {
    expect(answer).toBeUndefined();
  },
  'renew-and-rejoin': (answer) => {
    expect(answer).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  },
  'rebalance-without': (_, group) => {
    expect(group.state).toBe('PreparingRebalance');
    expect(group.members.size).toBe(2);
  },
  'wait-for-fewer': (_, group) => {
    expect(group.state).toBe('PreparingRebalance');
    expect(group.members.size).toBe(3);
  },
  commit: (answer) => {
    expect(answer).toBeUndefined();
  },
  'reject-rebalancing': (answer) => {
    expect(answer).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  },
  'reject-unknown-member': (answer) => {
    expect(answer).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  },
  'reject-not-available': (answer) => {
    expect(answer).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  },
};

describe('the state machine of a group', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const cells = Object.entries(TRANSITIONS).flatMap(([state, row]) =>
    Object.entries(row).map(([event, reaction]) => ({ state, event, reaction })),
  ) as { state: GroupState; event: GroupEvent; reaction: Reaction }[];

  it.each(cells)('$state × $event: $reaction', async ({ state, event, reaction }) => {
    const scene = await sceneIn(state);
    expect(scene.group.state).toBe(state);
    const answer = await happen(event, scene);
    SEEN[reaction](answer, scene.group, state);
    scene.group.close();
  });
});
