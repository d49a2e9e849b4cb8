import type { Group } from './group.js';
import type { Member } from './member.js';

/** Callbacks and settings of a group. */
export interface GroupHooks {
  /** Persists members and assignments. Members are answered once it resolves. */
  save(group: Group): Promise<void>;
  /** Called when the last member is removed. */
  emptied(group: Group): void;
  /** Called with events to log. */
  onEvent(event: GroupLogEvent): void;
  readonly maxSize: () => number;
  /** `group.initial.rebalance.delay.ms`. */
  readonly initialDelayMs: () => number;
}

/** An event that an operator may want to know of. */
export type GroupLogEvent =
  | { readonly kind: 'rebalance'; readonly reason: string }
  | { readonly kind: 'expired'; readonly member: Pick<Member, 'memberId' | 'clientId' | 'clientHost'> }
  | { readonly kind: 'stable' };
