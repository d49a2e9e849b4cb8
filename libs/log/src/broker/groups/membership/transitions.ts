/** Kafka's states of a consumer group. */
export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead';

/** Events of a group. */
export type GroupEvent =
  /** A new member joins. */
  | 'join-new'
  /** A member rejoins with the same protocols. If it is the leader, it requests a rebalance. */
  | 'join-same-follower'
  | 'join-same-leader'
  /** A member rejoins with other protocols. */
  | 'join-changed'
  /** A static member rejoins with a new member id, and the selected protocol remains. */
  | 'replace-same'
  /** A static member rejoins with other protocols, so that another one would be selected. */
  | 'replace-changed'
  | 'sync-leader'
  | 'sync-follower'
  | 'heartbeat'
  /** A member leaves or expires. */
  | 'member-gone'
  /** A member of the current generation commits offsets. */
  | 'commit-member'
  /** Offsets are committed without a member id and a generation. */
  | 'commit-outside'
  /** The same in a transaction, which is possible during a rebalance: the producer is fenced by its epoch. */
  | 'transactional-commit-member'
  | 'transactional-commit-outside';

/** Reactions of a group. */
export type Reaction =
  /** The group changes to PreparingRebalance, and the join waits. */
  | 'rebalance'
  /** The join waits for other members. */
  | 'park-join'
  /** The join is answered with the current generation. */
  | 'answer-join'
  /** The assignments of the leader are sent to all members, and the group becomes Stable. */
  | 'assign'
  /** The sync waits for that of the leader. */
  | 'park-sync'
  | 'answer-sync'
  /** The session is renewed. */
  | 'renew'
  /** The session is renewed, and the member has to rejoin. */
  | 'renew-and-rejoin'
  /** The group rebalances without the member, or becomes Empty. */
  | 'rebalance-without'
  /** The group waits for one member less. */
  | 'wait-for-fewer'
  | 'commit'
  | 'reject-rebalancing'
  | 'reject-unknown-member'
  | 'reject-not-available';

/** Reaction by state and event. */
export const TRANSITIONS: Readonly<Record<GroupState, Readonly<Record<GroupEvent, Reaction>>>> = {
  Empty: {
    'join-new': 'rebalance',
    'join-same-follower': 'reject-unknown-member',
    'join-same-leader': 'reject-unknown-member',
    'join-changed': 'reject-unknown-member',
    'replace-same': 'rebalance',
    'replace-changed': 'rebalance',
    'sync-leader': 'reject-unknown-member',
    'sync-follower': 'reject-unknown-member',
    heartbeat: 'reject-unknown-member',
    'member-gone': 'reject-unknown-member',
    'commit-member': 'reject-unknown-member',
    'commit-outside': 'commit',
    'transactional-commit-member': 'reject-unknown-member',
    'transactional-commit-outside': 'commit',
  },
  PreparingRebalance: {
    'join-new': 'park-join',
    'join-same-follower': 'park-join',
    'join-same-leader': 'park-join',
    'join-changed': 'park-join',
    'replace-same': 'park-join',
    'replace-changed': 'park-join',
    'sync-leader': 'reject-rebalancing',
    'sync-follower': 'reject-rebalancing',
    heartbeat: 'renew-and-rejoin',
    'member-gone': 'wait-for-fewer',
    'commit-member': 'commit',
    'commit-outside': 'reject-unknown-member',
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
    'commit-member': 'reject-rebalancing',
    'commit-outside': 'reject-unknown-member',
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
    'commit-outside': 'reject-unknown-member',
    'transactional-commit-member': 'commit',
    'transactional-commit-outside': 'commit',
  },
  Dead: {
    'join-new': 'reject-not-available',
    'join-same-follower': 'reject-not-available',
    'join-same-leader': 'reject-not-available',
    'join-changed': 'reject-not-available',
    'replace-same': 'reject-not-available',
    'replace-changed': 'reject-not-available',
    'sync-leader': 'reject-not-available',
    'sync-follower': 'reject-not-available',
    heartbeat: 'reject-not-available',
    'member-gone': 'reject-not-available',
    'commit-member': 'reject-not-available',
    'commit-outside': 'reject-not-available',
    'transactional-commit-member': 'reject-not-available',
    'transactional-commit-outside': 'reject-not-available',
  },
};
