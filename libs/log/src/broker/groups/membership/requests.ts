import type { MemberProtocol } from './member.js';

/** A JoinGroup request. */
export interface JoinRequest {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocolType: string;
  readonly protocols: readonly MemberProtocol[];
  /** Whether a member without an id gets one first and joins again with it (JoinGroup 4 and later). */
  readonly requireKnownMemberId: boolean;
  /** Whether the leader can be told to skip the assignment (JoinGroup 9). */
  readonly supportsSkipAssignment: boolean;
}

/** A SyncGroup request; that of the leader has the assignments. */
export interface SyncRequest {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly generationId: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[];
}

/** Identifies a member in a generation. */
export interface MemberReference {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly generationId: number;
}
