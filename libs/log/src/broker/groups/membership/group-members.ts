import { ErrorCode } from '../../../protocol/error-codes.js';
import { failedJoin, failedSync, fencedError, unknownMemberError } from './failures.js';
import type { Member } from './member.js';
import type { MemberReference } from './requests.js';

/** The members of a group, the ids of static members, and the session timeouts. */
export class GroupMembers {
  readonly byId = new Map<string, Member>();
  /** Member ids by group instance id. */
  private readonly staticIds = new Map<string, string>();
  /** Member ids that were assigned to clients that have yet to join with them. */
  private readonly assignedIds = new Map<string, NodeJS.Timeout>();

  constructor(
    private readonly on: {
      /** The session of a member has timed out. */
      memberExpired(member: Member): void;
      /** A client did not join with its assigned id. */
      assignedIdExpired(): void;
    },
  ) {}

  get(memberId: string): Member | undefined {
    return this.byId.get(memberId);
  }

  all(): Member[] {
    return [...this.byId.values()];
  }

  /** Number of members and of clients with an assigned id. */
  get sizeWithAssigned(): number {
    return this.byId.size + this.assignedIds.size;
  }

  get hasAssignedIds(): boolean {
    return this.assignedIds.size > 0;
  }

  ofInstance(groupInstanceId: string): Member | undefined {
    const memberId = this.staticIds.get(groupInstanceId);
    return memberId === undefined ? undefined : this.byId.get(memberId);
  }

  /** @throws ProtocolError if the member is unknown, or its instance id is in use by another member */
  expect({ memberId, groupInstanceId }: Omit<MemberReference, 'generationId'>): Member {
    const current = groupInstanceId === null ? undefined : this.staticIds.get(groupInstanceId);
    if (current !== undefined && current !== memberId) throw fencedError(groupInstanceId as string);
    const member = this.byId.get(memberId);
    if (member === undefined || (groupInstanceId !== null && current === undefined)) {
      throw unknownMemberError(memberId);
    }
    return member;
  }

  /** Reserves an id for a client until it joins with it, at most for its session timeout. */
  assignId(memberId: string, sessionTimeoutMs: number): void {
    const expire = () => {
      this.assignedIds.delete(memberId);
      this.on.assignedIdExpired();
    };
    this.assignedIds.set(memberId, setTimeout(expire, sessionTimeoutMs).unref());
  }

  /** Releases an assigned id. @returns false if the id was not assigned */
  releaseId(memberId: string): boolean {
    const expiry = this.assignedIds.get(memberId);
    clearTimeout(expiry);
    this.assignedIds.delete(memberId);
    return expiry !== undefined;
  }

  add(member: Member): void {
    this.byId.set(member.memberId, member);
    if (member.groupInstanceId !== null) this.staticIds.set(member.groupInstanceId, member.memberId);
  }

  /** Assigns a new id to a static member, and fences the client with the old id. */
  rename(member: Member, memberId: string): void {
    failRequests(member, ErrorCode.FENCED_INSTANCE_ID);
    this.byId.delete(member.memberId);
    member.memberId = memberId;
    this.add(member);
  }

  /** Removes a member, and answers its waiting requests. */
  remove(member: Member): void {
    clearTimeout(member.session);
    failRequests(member, ErrorCode.UNKNOWN_MEMBER_ID);
    this.byId.delete(member.memberId);
    if (member.groupInstanceId !== null) this.staticIds.delete(member.groupInstanceId);
  }

  /** Restarts the session timeout of a member. A member with a waiting request does not expire. */
  renewSession(member: Member): void {
    clearTimeout(member.session);
    const expire = () => {
      if (member.joining !== undefined || member.syncing !== undefined) this.renewSession(member);
      else this.on.memberExpired(member);
    };
    member.session = setTimeout(expire, member.sessionTimeoutMs).unref();
  }

  /** Removes all members, and answers waiting requests with COORDINATOR_NOT_AVAILABLE. */
  close(): void {
    for (const member of this.all()) {
      clearTimeout(member.session);
      failRequests(member, ErrorCode.COORDINATOR_NOT_AVAILABLE);
    }
    for (const expiry of this.assignedIds.values()) clearTimeout(expiry);
    this.byId.clear();
    this.assignedIds.clear();
  }
}

function failRequests(member: Member, error: ErrorCode): void {
  member.joining?.(failedJoin(member.memberId, error));
  member.syncing?.(failedSync(error));
  member.joining = undefined;
  member.syncing = undefined;
}
