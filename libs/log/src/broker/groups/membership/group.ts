import { randomUUID } from 'node:crypto';
import { ErrorCode, ProtocolError } from '../../../protocol/error-codes.js';
import { InitialRebalanceDelay } from './initial-rebalance-delay.js';
import type { GroupHooks } from './group-hooks.js';
import {
  electProtocol,
  NO_BYTES,
  sameProtocols,
  type JoinAnswer,
  type Member,
  type SyncAnswer,
} from './member.js';
import { checkChosenProtocol, checkProtocols } from './protocol-checks.js';
import { fenced, refusedJoin, refusedSync, unknownMember } from './refusals.js';
import type { JoinRequest, MemberReference, SyncRequest } from './requests.js';
import { TRANSITIONS, type GroupEvent, type GroupState, type Reaction } from './transitions.js';

/** One consumer group: the classic protocol, by the table in `transitions.ts`. */
export class Group {
  state: GroupState = 'Empty';
  generationId = 0;
  protocolType: string | null = null;
  protocolName: string | null = null;
  leaderId: string | null = null;
  readonly members = new Map<string, Member>();
  /** Ids given out to members that have not joined with them yet. */
  private readonly promised = new Map<string, NodeJS.Timeout>();
  private readonly staticIds = new Map<string, string>();
  private rebalanceTimer: NodeJS.Timeout | undefined;
  /** While a group that was empty waits for more members. */
  private readonly initialDelay = new InitialRebalanceDelay();

  constructor(
    readonly groupId: string,
    private readonly hooks: GroupHooks,
  ) {}

  get isEmpty(): boolean {
    return this.state === 'Empty' || this.state === 'Dead';
  }

  /** @throws ProtocolError with the code that refuses it */
  async join(request: JoinRequest): Promise<JoinAnswer> {
    if (this.state === 'Dead') this.react('join-new');
    checkProtocols(request, this);
    const { memberId, groupInstanceId } = request;
    if (groupInstanceId !== null && this.staticIds.has(groupInstanceId)) return this.joinStatic(request);
    if (memberId === '') return this.joinUnnamed(request);
    const member = this.members.get(memberId);
    if (member !== undefined) return this.joinAgain(member, request);
    const promise = this.promised.get(memberId);
    if (promise === undefined) throw unknownMember(memberId);
    clearTimeout(promise);
    this.promised.delete(memberId);
    return this.joinNew(memberId, request);
  }

  private async joinUnnamed(request: JoinRequest): Promise<JoinAnswer> {
    const memberId = `${request.groupInstanceId ?? request.clientId}-${randomUUID()}`;
    if (!request.requireKnownMemberId || request.groupInstanceId !== null) {
      return this.joinNew(memberId, request);
    }
    this.checkSize();
    const expire = () => {
      this.promised.delete(memberId);
      this.completeJoinIfAllJoined();
    };
    this.promised.set(memberId, setTimeout(expire, request.sessionTimeoutMs).unref());
    return refusedJoin(memberId, ErrorCode.MEMBER_ID_REQUIRED);
  }

  private checkSize(): void {
    if (this.members.size + this.promised.size >= this.hooks.maxSize()) {
      throw new ProtocolError(ErrorCode.GROUP_MAX_SIZE_REACHED, `${this.groupId} has its most members`);
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
    this.members.set(memberId, member);
    if (member.groupInstanceId !== null) this.staticIds.set(member.groupInstanceId, memberId);
    this.protocolType = request.protocolType;
    return this.parkJoin(member, reaction, `${request.clientId} joined`);
  }

  private async joinAgain(member: Member, request: JoinRequest): Promise<JoinAnswer> {
    const leads = member.memberId === this.leaderId;
    const same = sameProtocols(member.protocols, request.protocols);
    const reaction = this.react(same ? (leads ? 'join-same-leader' : 'join-same-follower') : 'join-changed');
    this.update(member, request);
    if (reaction !== 'answer-join')
      return this.parkJoin(member, reaction, `${request.clientId} joined again`);
    this.renew(member);
    return this.joinAnswer(member, false);
  }

  private update(member: Member, request: JoinRequest): void {
    member.protocols = request.protocols;
    member.clientId = request.clientId;
    member.clientHost = request.clientHost;
    member.sessionTimeoutMs = request.sessionTimeoutMs;
    member.rebalanceTimeoutMs = request.rebalanceTimeoutMs;
  }

  private async joinStatic(request: JoinRequest): Promise<JoinAnswer> {
    const instanceId = request.groupInstanceId as string;
    const member = this.members.get(this.staticIds.get(instanceId) as string) as Member;
    if (request.memberId !== '') {
      if (request.memberId !== member.memberId) throw fenced(instanceId);
      return this.joinAgain(member, request);
    }
    const others = [...this.members.values()].filter((each) => each !== member);
    // As in Kafka: whatever else it says now, the others hear of it with the next rebalance.
    const keeps = electProtocol([...others, request]) === this.protocolName;
    const reaction = this.react(keeps ? 'replace-same' : 'replace-changed');
    const oldId = member.memberId;
    const wasLeader = oldId === this.leaderId;
    this.rename(member, `${instanceId}-${randomUUID()}`);
    this.update(member, request);
    if (reaction !== 'answer-join')
      return this.parkJoin(member, reaction, `instance ${instanceId} came back`);
    this.renew(member);
    await this.hooks.save(this);
    const answer = this.joinAnswer(member, wasLeader);
    if (!wasLeader || request.supportsSkipAssignment) return answer;
    // A leader that came back need not share out what is shared out already: an old one must not know that it leads.
    return { ...answer, leader: oldId, members: [], skipAssignment: false };
  }

  /** Gives a static member a new id; whoever has the old one is fenced. */
  private rename(member: Member, memberId: string): void {
    member.joining?.(refusedJoin(member.memberId, ErrorCode.FENCED_INSTANCE_ID));
    member.syncing?.(refusedSync(ErrorCode.FENCED_INSTANCE_ID));
    member.joining = undefined;
    member.syncing = undefined;
    this.members.delete(member.memberId);
    if (this.leaderId === member.memberId) this.leaderId = memberId;
    member.memberId = memberId;
    this.members.set(memberId, member);
    this.staticIds.set(member.groupInstanceId as string, memberId);
  }

  /** Lets the join wait for the others, in a rebalance that begins now if none is under way. */
  private async parkJoin(member: Member, reaction: Reaction, reason: string): Promise<JoinAnswer> {
    const answer = new Promise<JoinAnswer>((resolve) => {
      member.joining?.(refusedJoin(member.memberId, ErrorCode.REBALANCE_IN_PROGRESS));
      member.joining = resolve;
    });
    this.renew(member);
    const wasEmpty = this.state === 'Empty';
    if (reaction === 'rebalance') this.prepareRebalance(reason);
    const delay = { delayMs: this.hooks.initialDelayMs(), maxMs: this.longestRebalanceMs() };
    if (wasEmpty) this.initialDelay.start(delay, () => this.completeJoinIfAllJoined());
    else this.initialDelay.extend();
    this.completeJoinIfAllJoined();
    return answer;
  }

  private prepareRebalance(reason: string): void {
    this.state = 'PreparingRebalance';
    this.hooks.tell({ kind: 'rebalance', reason });
    for (const member of this.members.values()) {
      member.syncing?.(refusedSync(ErrorCode.REBALANCE_IN_PROGRESS));
      member.syncing = undefined;
      member.synced = false;
      member.assignment = NO_BYTES;
    }
    this.setRebalanceTimer(() => this.completeJoin());
  }

  private longestRebalanceMs(): number {
    return Math.max(0, ...[...this.members.values()].map((member) => member.rebalanceTimeoutMs));
  }

  private setRebalanceTimer(then: () => void): void {
    clearTimeout(this.rebalanceTimer);
    this.rebalanceTimer = setTimeout(then, this.longestRebalanceMs()).unref();
  }

  private completeJoinIfAllJoined(): void {
    if (this.state !== 'PreparingRebalance' || this.promised.size > 0) return;
    if (this.initialDelay.isActive) return;
    for (const member of this.members.values()) if (member.joining === undefined) return;
    this.completeJoin();
  }

  private completeJoin(): void {
    for (const member of [...this.members.values()]) {
      if (member.joining === undefined && member.groupInstanceId === null) this.forget(member);
    }
    const joined = [...this.members.values()].filter((member) => member.joining !== undefined);
    if (this.members.size === 0) return this.becomeEmpty();
    if (joined.length === 0) return this.setRebalanceTimer(() => this.completeJoin());
    this.generationId++;
    this.protocolName = electProtocol([...this.members.values()]);
    if (this.leaderId === null || this.members.get(this.leaderId)?.joining === undefined) {
      this.leaderId = (joined[0] as Member).memberId;
    }
    this.state = 'CompletingRebalance';
    this.setRebalanceTimer(() => this.dropUnsynced());
    for (const member of joined) {
      member.joining?.(this.joinAnswer(member, false));
      member.joining = undefined;
      this.renew(member);
    }
  }

  /** Members that took the new generation and never asked for their part hold up the others. */
  private dropUnsynced(): void {
    const late = [...this.members.values()].filter((member) => !member.synced);
    for (const member of late) this.remove(member, `${member.clientId} did not ask for its part in time`);
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
        ? [...this.members.values()].map((each) => ({
            memberId: each.memberId,
            groupInstanceId: each.groupInstanceId,
            metadata: this.metadataOf(each),
          }))
        : [],
    };
  }

  /** What a member says under the protocol that was chosen. */
  metadataOf(member: Member): Buffer {
    return member.protocols.find(({ name }) => name === this.protocolName)?.metadata ?? NO_BYTES;
  }

  /** @throws ProtocolError with the code that refuses it */
  async sync(request: SyncRequest): Promise<SyncAnswer> {
    const member = this.expectMember(request);
    checkChosenProtocol(request, this);
    const reaction = this.react(member.memberId === this.leaderId ? 'sync-leader' : 'sync-follower');
    this.renew(member);
    member.synced = true;
    if (reaction === 'answer-sync') return this.syncAnswer(member);
    const answer = new Promise<SyncAnswer>((resolve) => {
      member.syncing?.(refusedSync(ErrorCode.REBALANCE_IN_PROGRESS));
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
        this.prepareRebalance('the assignment could not be kept');
      }
      throw error;
    }
    // Another rebalance may have begun in the meantime, which has answered those that waited.
    if (this.generationId !== generation || this.state !== 'CompletingRebalance') return;
    this.state = 'Stable';
    this.hooks.tell({ kind: 'stable' });
    if ([...this.members.values()].every((member) => member.synced)) clearTimeout(this.rebalanceTimer);
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

  /** @throws ProtocolError with the code that refuses it */
  heartbeat(reference: MemberReference): void {
    const member = this.expectMember(reference);
    const reaction = this.react('heartbeat');
    this.renew(member);
    if (reaction === 'renew-and-rejoin') {
      throw new ProtocolError(ErrorCode.REBALANCE_IN_PROGRESS, 'the group is rebalancing');
    }
  }

  /** @throws ProtocolError with the code that refuses it */
  leave(reference: Omit<MemberReference, 'generationId'>): string {
    if (this.state === 'Dead') this.react('member-gone');
    const { memberId, groupInstanceId } = reference;
    const promise = this.promised.get(memberId);
    if (promise !== undefined) {
      clearTimeout(promise);
      this.promised.delete(memberId);
      this.completeJoinIfAllJoined();
      return memberId;
    }
    const known = groupInstanceId === null ? memberId : this.staticIds.get(groupInstanceId);
    if (groupInstanceId !== null && known !== undefined && memberId !== '' && memberId !== known) {
      throw fenced(groupInstanceId);
    }
    const member = known === undefined ? undefined : this.members.get(known);
    if (member === undefined) throw unknownMember(memberId);
    this.remove(member, `${member.clientId} left`);
    return member.memberId;
  }

  /** @throws ProtocolError where this member may not commit now */
  checkCommit(reference: MemberReference, kind: 'plain' | 'transactional' = 'plain'): void {
    const transactional = kind === 'transactional';
    if (reference.generationId < 0 && reference.memberId === '' && reference.groupInstanceId === null) {
      this.react(transactional ? 'transactional-commit-outside' : 'commit-outside');
      return;
    }
    const member = this.expectMember(reference);
    this.react(transactional ? 'transactional-commit-member' : 'commit-member');
    this.renew(member);
  }

  private remove(member: Member, reason: string): void {
    const reaction = this.react('member-gone');
    this.forget(member);
    if (reaction === 'rebalance-without') this.prepareRebalance(reason);
    if (this.members.size === 0 && this.promised.size === 0) this.becomeEmpty();
    else this.completeJoinIfAllJoined();
  }

  private forget(member: Member): void {
    clearTimeout(member.session);
    member.joining?.(refusedJoin(member.memberId, ErrorCode.UNKNOWN_MEMBER_ID));
    member.syncing?.(refusedSync(ErrorCode.UNKNOWN_MEMBER_ID));
    this.members.delete(member.memberId);
    if (member.groupInstanceId !== null) this.staticIds.delete(member.groupInstanceId);
    if (this.leaderId === member.memberId) this.leaderId = null;
  }

  /** A member lives for another session timeout; one whose request waits lives on without heartbeats. */
  private renew(member: Member): void {
    clearTimeout(member.session);
    const expire = () => {
      if (member.joining !== undefined || member.syncing !== undefined) this.renew(member);
      else this.expire(member);
    };
    member.session = setTimeout(expire, member.sessionTimeoutMs).unref();
  }

  private expire(member: Member): void {
    this.hooks.tell({ kind: 'expired', member });
    this.remove(member, `${member.clientId} was not heard of for ${member.sessionTimeoutMs} ms`);
  }

  private expectMember(reference: MemberReference): Member {
    if (this.state === 'Dead') this.react('heartbeat');
    const { memberId, groupInstanceId, generationId } = reference;
    const current = groupInstanceId === null ? undefined : this.staticIds.get(groupInstanceId);
    if (current !== undefined && current !== memberId) throw fenced(groupInstanceId as string);
    const member = this.members.get(memberId);
    if (member === undefined || (groupInstanceId !== null && current === undefined)) {
      throw unknownMember(memberId);
    }
    if (generationId !== this.generationId) {
      throw new ProtocolError(
        ErrorCode.ILLEGAL_GENERATION,
        `generation ${generationId}, the group is in ${this.generationId}`,
      );
    }
    return member;
  }

  /** Asks the table. @throws ProtocolError where the reaction is to refuse */
  private react(event: GroupEvent): Reaction {
    const reaction = TRANSITIONS[this.state][event];
    switch (reaction) {
      case 'refuse-rebalancing':
        throw new ProtocolError(ErrorCode.REBALANCE_IN_PROGRESS, 'the group is rebalancing');
      case 'refuse-unknown-member':
        throw new ProtocolError(ErrorCode.UNKNOWN_MEMBER_ID, 'the group has no such member');
      case 'refuse-not-available':
        throw new ProtocolError(ErrorCode.COORDINATOR_NOT_AVAILABLE, 'the group was deleted');
      default:
        return reaction;
    }
  }

  /** Takes a group as it was kept: its members go on without a rebalance if they come in time. */
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
      this.members.set(member.memberId, member);
      if (member.groupInstanceId !== null) this.staticIds.set(member.groupInstanceId, member.memberId);
      this.renew(member);
    }
  }

  /** Ends the group: its timers stop, and whoever waits is told to look again. */
  end(): void {
    for (const member of [...this.members.values()]) {
      clearTimeout(member.session);
      member.joining?.(refusedJoin(member.memberId, ErrorCode.COORDINATOR_NOT_AVAILABLE));
      member.syncing?.(refusedSync(ErrorCode.COORDINATOR_NOT_AVAILABLE));
    }
    for (const promise of this.promised.values()) clearTimeout(promise);
    clearTimeout(this.rebalanceTimer);
    this.initialDelay.stop();
    this.members.clear();
    this.promised.clear();
    this.state = 'Dead';
  }
}
