/** States of a consumer group, by Kafka's names. */
export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead';

/** What can happen to a group. */
export type GroupEvent =
  /** A member joins that the group does not know. */
  | 'join-new'
  /** A member joins again with the protocols it had; the leader's asks for a rebalance. */
  | 'join-same-follower'
  | 'join-same-leader'
  /** A member joins again with other protocols. */
  | 'join-changed'
  /** A static member comes back under a new member id, and the group's protocol can stay what it is. */
  | 'replace-same'
  /** It comes back, and knows other protocols, so that another would be chosen. */
  | 'replace-changed'
  | 'sync-leader'
  | 'sync-follower'
  | 'heartbeat'
  /** A member leaves, or its session ends. */
  | 'member-gone'
  /** A member of the current generation commits offsets. */
  | 'commit-member'
  /** Offsets are committed from outside the group protocol, without a member and a generation. */
  | 'commit-outside'
  /** The same two inside of a transaction, which its own producer fences: a rebalance does not hold it up. */
  | 'transactional-commit-member'
  | 'transactional-commit-outside';

/** What the group does about it. */
export type Reaction =
  /** Goes to PreparingRebalance, and the join waits there. */
  | 'rebalance'
  /** The join waits for the others. */
  | 'park-join'
  /** The join is answered with the generation that is. */
  | 'answer-join'
  /** The leader's assignment goes to all, and the group is Stable. */
  | 'assign'
  /** The sync waits for the leader's. */
  | 'park-sync'
  | 'answer-sync'
  /** The session is renewed. */
  | 'renew'
  /** The session is renewed, and the member is told to join again. */
  | 'renew-and-rejoin'
  /** Goes on without the member: a rebalance, or Empty where it was the last. */
  | 'rebalance-without'
  /** One member less to wait for. */
  | 'wait-for-fewer'
  | 'commit'
  | 'refuse-rebalancing'
  | 'refuse-unknown-member'
  | 'refuse-not-available';

/** State × event: the whole of the coordinator's decisions. */
export const TRANSITIONS: Readonly<Record<GroupState, Readonly<Record<GroupEvent, Reaction>>>> = {
  Empty: {
    'join-new': 'rebalance',
    'join-same-follower': 'refuse-unknown-member',
    'join-same-leader': 'refuse-unknown-member',
    'join-changed': 'refuse-unknown-member',
    'replace-same': 'rebalance',
    'replace-changed': 'rebalance',
    'sync-leader': 'refuse-unknown-member',
    'sync-follower': 'refuse-unknown-member',
    heartbeat: 'refuse-unknown-member',
    'member-gone': 'refuse-unknown-member',
    'commit-member': 'refuse-unknown-member',
    'commit-outside': 'commit',
    'transactional-commit-member': 'refuse-unknown-member',
    'transactional-commit-outside': 'commit',
  },
  PreparingRebalance: {
    'join-new': 'park-join',
    'join-same-follower': 'park-join',
    'join-same-leader': 'park-join',
    'join-changed': 'park-join',
    'replace-same': 'park-join',
    'replace-changed': 'park-join',
    'sync-leader': 'refuse-rebalancing',
    'sync-follower': 'refuse-rebalancing',
    heartbeat: 'renew-and-rejoin',
    'member-gone': 'wait-for-fewer',
    'commit-member': 'commit',
    'commit-outside': 'refuse-unknown-member',
    'transactional-commit-member': 'commit',
    'transactional-commit-outside': 'commit',
  },
  CompletingRebalance: {
    'join-new': 'rebalance',
    'join-same-follower': 'answer-join',
    'join-same-leader': 'answer-join',
    'join-changed': 'rebalance',
    'replace-same': 'rebalance',
    'replace-changed': 'rebalance',
    'sync-leader': 'assign',
    'sync-follower': 'park-sync',
    heartbeat: 'renew',
    'member-gone': 'rebalance-without',
    'commit-member': 'refuse-rebalancing',
    'commit-outside': 'refuse-unknown-member',
    'transactional-commit-member': 'commit',
    'transactional-commit-outside': 'commit',
  },
  Stable: {
    'join-new': 'rebalance',
    'join-same-follower': 'answer-join',
    'join-same-leader': 'rebalance',
    'join-changed': 'rebalance',
    'replace-same': 'answer-join',
    'replace-changed': 'rebalance',
    'sync-leader': 'answer-sync',
    'sync-follower': 'answer-sync',
    heartbeat: 'renew',
    'member-gone': 'rebalance-without',
    'commit-member': 'commit',
    'commit-outside': 'refuse-unknown-member',
    'transactional-commit-member': 'commit',
    'transactional-commit-outside': 'commit',
  },
  Dead: {
    'join-new': 'refuse-not-available',
    'join-same-follower': 'refuse-not-available',
    'join-same-leader': 'refuse-not-available',
    'join-changed': 'refuse-not-available',
    'replace-same': 'refuse-not-available',
    'replace-changed': 'refuse-not-available',
    'sync-leader': 'refuse-not-available',
    'sync-follower': 'refuse-not-available',
    heartbeat: 'refuse-not-available',
    'member-gone': 'refuse-not-available',
    'commit-member': 'refuse-not-available',
    'commit-outside': 'refuse-not-available',
    'transactional-commit-member': 'refuse-not-available',
    'transactional-commit-outside': 'refuse-not-available',
  },
};
