import type { MemberProtocol } from './member.js';

/** A member asks to be in the group. */
export interface JoinRequest {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocolType: string;
  readonly protocols: readonly MemberProtocol[];
  /** Whether a member without an id must first be given one, and join with it (JoinGroup 4 and later). */
  readonly requireKnownMemberId: boolean;
  /** Whether a leader can be told to share out nothing (JoinGroup 9). */
  readonly supportsSkipAssignment: boolean;
}

/** A member asks for its part; the leader brings everyone's. */
export interface SyncRequest {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly generationId: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[];
}

/** Names one member of one generation. */
export interface MemberReference {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly generationId: number;
}
