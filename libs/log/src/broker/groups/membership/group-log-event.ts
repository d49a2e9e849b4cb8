import type { Member } from './member.js';

/** An event that an operator may want to know of. */
export type GroupLogEvent =
  | { readonly kind: 'rebalance'; readonly reason: string }
  | { readonly kind: 'expired'; readonly member: Pick<Member, 'memberId' | 'clientId' | 'clientHost'> }
  | { readonly kind: 'stable' };
