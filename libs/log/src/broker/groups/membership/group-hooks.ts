import type { Group } from './group.js';
import type { Member } from './member.js';

/** What a group needs of its surroundings. */
export interface GroupHooks {
  /** Keeps the group's members and assignments; answered to the members once it resolves. */
  save(group: Group): Promise<void>;
  /** Told when the last member is gone. */
  emptied(group: Group): void;
  /** Told of what an operator may want to know. */
  tell(news: GroupNews): void;
  readonly maxSize: () => number;
  /** How long a group that was empty waits for more members, after each that comes. */
  readonly initialDelayMs: () => number;
}

/** What happens to a group. */
export type GroupNews =
  | { readonly kind: 'rebalance'; readonly reason: string }
  | { readonly kind: 'expired'; readonly member: Pick<Member, 'memberId' | 'clientId' | 'clientHost'> }
  | { readonly kind: 'stable' };
