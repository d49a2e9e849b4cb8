import { randomUUID } from 'node:crypto';
import { ErrorCode, ProtocolError } from '../../../protocol/error-codes.js';
import { InitialRebalanceDelay } from './initial-rebalance-delay.js';
import type { GroupLogEvent } from './group-log-event.js';
import { GroupMembers } from './group-members.js';
import {
  electProtocol,
  NO_BYTES,
  sameProtocols,
  type JoinAnswer,
  type Member,
  type SyncAnswer,
} from './member.js';
import { checkChosenProtocol, checkProtocols } from './protocol-checks.js';
import { fencedError, failedJoin, failedSync, unknownMemberError } from './failures.js';
import type { JoinRequest, MemberReference, SyncRequest } from './requests.js';
import { TRANSITIONS, type GroupEvent, type GroupState, type Reaction } from './transitions.js';

/** Callbacks and settings of a group. */
interface GroupHooks {
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

/** A consumer group of the classic protocol. `transitions.ts` has its state machine. */
export class Group {
  state: GroupState = 'Empty';
  generationId = 0;
  protocolType: string | null = null;
  protocolName: string | null = null;
  leaderId: string | null = null;
  private readonly roster = new GroupMembers({
    memberExpired: (member) => this.expire(member),
    assignedIdExpired: () => this.completeJoinIfAllJoined(),
  });
  private rebalanceTimer: NodeJS.Timeout | undefined;
  /** Active while an empty group waits for more members. */
  private readonly initialDelay = new InitialRebalanceDelay();

  constructor(
    readonly groupId: string,
    private readonly hooks: GroupHooks,
  ) {}

  /** Members by id. */
  get members(): ReadonlyMap<string, Member> {
    return this.roster.byId;
  }

  get isEmpty(): boolean {
    return this.state === 'Empty' || this.state === 'Dead';
  }

  /** @throws ProtocolError if the request is rejected */
  async join(request: JoinRequest): Promise<JoinAnswer> {
    if (this.state === 'Dead') this.react('join-new');
    checkProtocols(request, this);
    const { memberId, groupInstanceId } = request;
    const instance = groupInstanceId === null ? undefined : this.roster.ofInstance(groupInstanceId);
    if (instance !== undefined) return this.joinStatic(instance, request);
    if (memberId === '') return this.joinUnnamed(request);
    const member = this.members.get(memberId);
    if (member !== undefined) return this.joinAgain(member, request);
    if (!this.roster.releaseId(memberId)) throw unknownMemberError(memberId);
    return this.joinNew(memberId, request);
  }

  private async joinUnnamed(request: JoinRequest): Promise<JoinAnswer> {
    const memberId = `${request.groupInstanceId ?? request.clientId}-${randomUUID()}`;
    if (!request.requireKnownMemberId || request.groupInstanceId !== null) {
      return this.joinNew(memberId, request);
    }
    this.checkSize();
    this.roster.assignId(memberId, request.sessionTimeoutMs);
    return failedJoin(memberId, ErrorCode.MEMBER_ID_REQUIRED);
  }

  private checkSize(): void {
    if (this.roster.sizeWithAssigned >= this.hooks.maxSize()) {
      throw new ProtocolError(
        ErrorCode.GROUP_MAX_SIZE_REACHED,
        `group ${this.groupId} has reached group.max.size`,
      );
    }
  }

  private async joinNew(memberId: string, request: JoinRequest): Promise<JoinAnswer> {
    this.checkSize();
    const reaction = this.react('join-new');
    const member: Member = {
      memberId,
      groupInstanceId: request.groupInstanceId,
      clientId: request.clientId,
      clientHost: request.clientHost,
      sessionTimeoutMs: request.sessionTimeoutMs,
      rebalanceTimeoutMs: request.rebalanceTimeoutMs,
      protocols: request.protocols,
      assignment: NO_BYTES,
      joining: undefined,
      syncing: undefined,
      synced: false,
      session: undefined,
    };
    this.roster.add(member);
    this.protocolType = request.protocolType;
    return this.awaitJoin(member, reaction, `${request.clientId} joined`);
  }

  private async joinAgain(member: Member, request: JoinRequest): Promise<JoinAnswer> {
    const leads = member.memberId === this.leaderId;
    const same = sameProtocols(member.protocols, request.protocols);
    const reaction = this.react(same ? (leads ? 'join-same-leader' : 'join-same-follower') : 'join-changed');
    this.update(member, request);
    if (reaction !== 'answer-join') return this.awaitJoin(member, reaction, `${request.clientId} rejoined`);
    this.roster.renewSession(member);
    return this.joinAnswer(member, false);
  }

  private update(member: Member, request: JoinRequest): void {
    member.protocols = request.protocols;
    member.clientId = request.clientId;
    member.clientHost = request.clientHost;
    member.sessionTimeoutMs = request.sessionTimeoutMs;
    member.rebalanceTimeoutMs = request.rebalanceTimeoutMs;
  }

  private async joinStatic(member: Member, request: JoinRequest): Promise<JoinAnswer> {
    const instanceId = request.groupInstanceId as string;
    if (request.memberId !== '') {
      if (request.memberId !== member.memberId) throw fencedError(instanceId);
      return this.joinAgain(member, request);
    }
    const others = this.roster.all().filter((each) => each !== member);
    // As in Kafka, other changes to its metadata take effect with the next rebalance.
    const keeps = electProtocol([...others, request]) === this.protocolName;
    const reaction = this.react(keeps ? 'replace-same' : 'replace-changed');
    const oldId = member.memberId;
    const wasLeader = oldId === this.leaderId;
    this.rename(member, `${instanceId}-${randomUUID()}`);
    this.update(member, request);
    if (reaction !== 'answer-join')
      return this.awaitJoin(member, reaction, `static member ${instanceId} rejoined`);
    this.roster.renewSession(member);
    await this.hooks.save(this);
    const answer = this.joinAnswer(member, wasLeader);
    if (!wasLeader || request.supportsSkipAssignment) return answer;
    // The assignment exists. Clients that cannot skip it must not learn that they are the leader.
    return { ...answer, leader: oldId, members: [], skipAssignment: false };
  }

  private rename(member: Member, memberId: string): void {
    if (this.leaderId === member.memberId) this.leaderId = memberId;
    this.roster.rename(member, memberId);
  }

  /** Waits for the other members to join. Starts a rebalance if none is in progress. */
  private async awaitJoin(member: Member, reaction: Reaction, reason: string): Promise<JoinAnswer> {
    const answer = new Promise<JoinAnswer>((resolve) => {
      member.joining?.(failedJoin(member.memberId, ErrorCode.REBALANCE_IN_PROGRESS));
      member.joining = resolve;
    });
    this.roster.renewSession(member);
    const wasEmpty = this.state === 'Empty';
    if (reaction === 'rebalance') this.prepareRebalance(reason);
    const delay = { delayMs: this.hooks.initialDelayMs(), maxMs: this.maxRebalanceTimeoutMs() };
    if (wasEmpty) this.initialDelay.start(delay, () => this.completeJoinIfAllJoined());
    else this.initialDelay.extend();
    this.completeJoinIfAllJoined();
    return answer;
  }

  private prepareRebalance(reason: string): void {
    this.state = 'PreparingRebalance';
    this.hooks.onEvent({ kind: 'rebalance', reason });
    for (const member of this.members.values()) {
      member.syncing?.(failedSync(ErrorCode.REBALANCE_IN_PROGRESS));
      member.syncing = undefined;
      member.synced = false;
      member.assignment = NO_BYTES;
    }
    this.setRebalanceTimer(() => this.completeJoin());
  }

  private maxRebalanceTimeoutMs(): number {
    return Math.max(0, ...this.roster.all().map((member) => member.rebalanceTimeoutMs));
  }

  private setRebalanceTimer(then: () => void): void {
    clearTimeout(this.rebalanceTimer);
    this.rebalanceTimer = setTimeout(then, this.maxRebalanceTimeoutMs()).unref();
  }

  private completeJoinIfAllJoined(): void {
    if (this.state !== 'PreparingRebalance' || this.roster.hasAssignedIds) return;
    if (this.initialDelay.isActive) return;
    for (const member of this.members.values()) if (member.joining === undefined) return;
    this.completeJoin();
  }

  private completeJoin(): void {
    for (const member of this.roster.all()) {
      if (member.joining === undefined && member.groupInstanceId === null) this.forget(member);
    }
    const joined = this.roster.all().filter((member) => member.joining !== undefined);
    if (this.members.size === 0) return this.becomeEmpty();
    if (joined.length === 0) return this.setRebalanceTimer(() => this.completeJoin());
    this.generationId++;
    this.protocolName = electProtocol(this.roster.all());
    if (this.leaderId === null || this.members.get(this.leaderId)?.joining === undefined) {
      this.leaderId = (joined[0] as Member).memberId;
    }
    this.state = 'CompletingRebalance';
    this.setRebalanceTimer(() => this.dropUnsynced());
    for (const member of joined) {
      member.joining?.(this.joinAnswer(member, false));
      member.joining = undefined;
      this.roster.renewSession(member);
    }
  }

  /** Removes members that joined the generation and did not sync in time. */
  private dropUnsynced(): void {
    const late = this.roster.all().filter((member) => !member.synced);
    for (const member of late) this.remove(member, `${member.clientId} did not sync in time`);
  }

  private becomeEmpty(): void {
    clearTimeout(this.rebalanceTimer);
    this.initialDelay.stop();
    this.generationId++;
    this.state = 'Empty';
    this.protocolName = null;
    this.leaderId = null;
    this.hooks.emptied(this);
  }

  private joinAnswer(member: Member, skipAssignment: boolean): JoinAnswer {
    const leads = member.memberId === this.leaderId;
    return {
      error: ErrorCode.NONE,
      generationId: this.generationId,
      protocolType: this.protocolType,
      protocolName: this.protocolName,
      leader: this.leaderId ?? '',
      memberId: member.memberId,
      skipAssignment,
      members: leads
        ? this.roster.all().map((each) => ({
            memberId: each.memberId,
            groupInstanceId: each.groupInstanceId,
            metadata: this.metadataOf(each),
          }))
        : [],
    };
  }

  /** The metadata of a member for the selected protocol. */
  metadataOf(member: Member): Buffer {
    return member.protocols.find(({ name }) => name === this.protocolName)?.metadata ?? NO_BYTES;
  }

  /** @throws ProtocolError if the request is rejected */
  async sync(request: SyncRequest): Promise<SyncAnswer> {
    const member = this.expectMember(request);
    checkChosenProtocol(request, this);
    const reaction = this.react(member.memberId === this.leaderId ? 'sync-leader' : 'sync-follower');
    this.roster.renewSession(member);
    member.synced = true;
    if (reaction === 'answer-sync') return this.syncAnswer(member);
    const answer = new Promise<SyncAnswer>((resolve) => {
      member.syncing?.(failedSync(ErrorCode.REBALANCE_IN_PROGRESS));
      member.syncing = resolve;
    });
    if (reaction === 'assign') await this.assign(request);
    return answer;
  }

  private async assign(request: SyncRequest): Promise<void> {
    const generation = this.generationId;
    for (const { memberId, assignment } of request.assignments) {
      const member = this.members.get(memberId);
      if (member !== undefined) member.assignment = Buffer.from(assignment);
    }
    try {
      await this.hooks.save(this);
    } catch (error) {
      if (this.generationId === generation && this.state === 'CompletingRebalance') {
        this.prepareRebalance('write of the assignment failed');
      }
      throw error;
    }
    // Another rebalance may have begun meanwhile, and answered the waiting members.
    if (this.generationId !== generation || this.state !== 'CompletingRebalance') return;
    this.state = 'Stable';
    this.hooks.onEvent({ kind: 'stable' });
    if (this.roster.all().every((member) => member.synced)) clearTimeout(this.rebalanceTimer);
    for (const member of this.members.values()) {
      member.syncing?.(this.syncAnswer(member));
      member.syncing = undefined;
    }
  }

  private syncAnswer(member: Member): SyncAnswer {
    return {
      error: ErrorCode.NONE,
      protocolType: this.protocolType,
      protocolName: this.protocolName,
      assignment: member.assignment,
    };
  }

  /** @throws ProtocolError if the request is rejected */
  heartbeat(reference: MemberReference): void {
    const member = this.expectMember(reference);
    const reaction = this.react('heartbeat');
    this.roster.renewSession(member);
    if (reaction === 'renew-and-rejoin') {
      throw new ProtocolError(ErrorCode.REBALANCE_IN_PROGRESS, 'the group is rebalancing');
    }
  }

  /** @throws ProtocolError if the request is rejected */
  leave(reference: Omit<MemberReference, 'generationId'>): string {
    if (this.state === 'Dead') this.react('member-gone');
    const { memberId, groupInstanceId } = reference;
    if (this.roster.releaseId(memberId)) {
      this.completeJoinIfAllJoined();
      return memberId;
    }
    const member =
      groupInstanceId === null ? this.roster.get(memberId) : this.roster.ofInstance(groupInstanceId);
    if (member === undefined) throw unknownMemberError(memberId);
    if (groupInstanceId !== null && memberId !== '' && memberId !== member.memberId) {
      throw fencedError(groupInstanceId);
    }
    this.remove(member, `${member.clientId} left`);
    return member.memberId;
  }

  /** @throws ProtocolError if the member may not commit now */
  checkCommit(reference: MemberReference, kind: 'plain' | 'transactional' = 'plain'): void {
    const transactional = kind === 'transactional';
    if (reference.generationId < 0 && reference.memberId === '' && reference.groupInstanceId === null) {
      this.react(transactional ? 'transactional-commit-outside' : 'commit-outside');
      return;
    }
    const member = this.expectMember(reference);
    this.react(transactional ? 'transactional-commit-member' : 'commit-member');
    this.roster.renewSession(member);
  }

  private remove(member: Member, reason: string): void {
    const reaction = this.react('member-gone');
    this.forget(member);
    if (reaction === 'rebalance-without') this.prepareRebalance(reason);
    if (this.roster.sizeWithAssigned === 0) this.becomeEmpty();
    else this.completeJoinIfAllJoined();
  }

  private forget(member: Member): void {
    this.roster.remove(member);
    if (this.leaderId === member.memberId) this.leaderId = null;
  }

  private expire(member: Member): void {
    this.hooks.onEvent({ kind: 'expired', member });
    this.remove(member, `${member.clientId} sent no heartbeat for ${member.sessionTimeoutMs} ms`);
  }

  private expectMember(reference: MemberReference): Member {
    if (this.state === 'Dead') this.react('heartbeat');
    const member = this.roster.expect(reference);
    const { generationId } = reference;
    if (generationId !== this.generationId) {
      throw new ProtocolError(
        ErrorCode.ILLEGAL_GENERATION,
        `generation ${generationId} is not the current generation ${this.generationId}`,
      );
    }
    return member;
  }

  /** Looks up the reaction to an event. @throws ProtocolError if it is a rejection */
  private react(event: GroupEvent): Reaction {
    const reaction = TRANSITIONS[this.state][event];
    switch (reaction) {
      case 'reject-rebalancing':
        throw new ProtocolError(ErrorCode.REBALANCE_IN_PROGRESS, 'the group is rebalancing');
      case 'reject-unknown-member':
        throw new ProtocolError(ErrorCode.UNKNOWN_MEMBER_ID, 'unknown member');
      case 'reject-not-available':
        throw new ProtocolError(ErrorCode.COORDINATOR_NOT_AVAILABLE, 'the group has been deleted');
      default:
        return reaction;
    }
  }

  /** Restores a persisted group. Its members continue without a rebalance if they send a heartbeat in time. */
  restore(
    kept: Pick<Group, 'generationId' | 'protocolType' | 'protocolName' | 'leaderId'>,
    members: Member[],
  ) {
    this.generationId = kept.generationId;
    this.protocolType = kept.protocolType;
    this.protocolName = kept.protocolName;
    this.leaderId = kept.leaderId;
    this.state = members.length === 0 ? 'Empty' : 'Stable';
    for (const member of members) {
      this.roster.add(member);
      this.roster.renewSession(member);
    }
  }

  /** Stops the timers, and answers waiting requests with COORDINATOR_NOT_AVAILABLE. */
  close(): void {
    this.roster.close();
    clearTimeout(this.rebalanceTimer);
    this.initialDelay.stop();
    this.state = 'Dead';
  }
}
