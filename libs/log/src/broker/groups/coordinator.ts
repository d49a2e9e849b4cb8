import { setLongInterval, type LongTimer } from '@hailstream/service/timers';
import type { Logger } from 'pino';
import type { BrokerConfig } from '../config/config.js';
import { ErrorCode, ProtocolError } from '../../protocol/error-codes.js';
import type { Outcome } from '../../protocol/markers.js';
import { OFFSETS_TOPIC } from '../storage/topics/internal-topics.js';
import type { LogStore } from '../storage/topics/log-store.js';
import type { PartitionLog } from '../storage/partition/partition-log.js';
import { expiredOffsets } from './offsets/expiry.js';
import { checkIdLength, GroupLimits } from './group-limits.js';
import { Group } from './membership/group.js';
import type { GroupLogEvent } from './membership/group-log-event.js';
import { NO_BYTES, type JoinAnswer, type Member, type SyncAnswer } from './membership/member.js';
import {
  appendEntries,
  OFFSETS_PARTITION,
  replayEntries,
  type CommittedOffset,
  type GroupValue,
  type OffsetsProducer,
} from './offsets/offsets-log.js';
import {
  bytesOfOffset,
  OffsetStore,
  type OffsetToCommit,
  type StoredOffset,
} from './offsets/offset-store.js';
import type { JoinRequest, MemberReference, SyncRequest } from './membership/requests.js';

interface CoordinatorOptions {
  readonly store: LogStore;
  readonly config: BrokerConfig;
  readonly logger: Logger;
  readonly now: () => number;
}

interface ManagedGroup {
  readonly group: Group;
  emptySinceMs: number;
}

/** Coordinates all consumer groups of the classic protocol, and stores their committed offsets. */
export class GroupCoordinator {
  private readonly groups = new Map<string, ManagedGroup>();
  private readonly offsets: OffsetStore;
  private readonly limits: GroupLimits;
  private timer: LongTimer | undefined;
  private expiring = false;

  private constructor(
    private readonly options: CoordinatorOptions,
    private readonly log: PartitionLog,
  ) {
    this.offsets = new OffsetStore(log, options.now);
    this.limits = new GroupLimits({
      members: () => this.all().flatMap(({ members }) => [...members.values()]),
      offsetBytes: () => this.offsets.sizeBytes(),
    });
  }

  /** Loads groups and offsets from the log. */
  static async open(options: CoordinatorOptions): Promise<GroupCoordinator> {
    const { store } = options;
    const topic =
      store.topic(OFFSETS_TOPIC) ??
      // Small segments are compacted soon, so that a start has little to read.
      (await store.create(OFFSETS_TOPIC, 1, {
        'cleanup.policy': 'compact',
        'segment.bytes': options.config.text('offsets.topic.segment.bytes'),
      }));
    const coordinator = new GroupCoordinator(options, topic.partitions[OFFSETS_PARTITION] as PartitionLog);
    await coordinator.load();
    coordinator.startExpiry();
    return coordinator;
  }

  async join(groupId: string, request: JoinRequest): Promise<JoinAnswer> {
    checkGroupId(groupId);
    const { config } = this.options;
    const { sessionTimeoutMs, memberId } = request;
    const [min, max] = [
      config.number('group.min.session.timeout.ms'),
      config.number('group.max.session.timeout.ms'),
    ];
    if (sessionTimeoutMs < min || sessionTimeoutMs > max) {
      throw new ProtocolError(
        ErrorCode.INVALID_SESSION_TIMEOUT,
        `session timeout must be from ${min} to ${max} ms, got ${sessionTimeoutMs}`,
      );
    }
    if (!this.groups.has(groupId) && memberId !== '') {
      throw new ProtocolError(ErrorCode.UNKNOWN_MEMBER_ID, `group '${groupId}' does not exist`);
    }
    this.limits.admitMember(request);
    return this.groupWithRoom(groupId).group.join(request);
  }

  async sync(groupId: string, request: SyncRequest): Promise<SyncAnswer> {
    const { group } = this.memberGroup(groupId);
    this.limits.admitAssignments(request.assignments);
    return group.sync(request);
  }

  heartbeat(groupId: string, reference: MemberReference): void {
    this.memberGroup(groupId).group.heartbeat(reference);
  }

  /** @returns the member that left */
  leave(groupId: string, reference: Omit<MemberReference, 'generationId'>): string {
    return this.memberGroup(groupId).group.leave(reference);
  }

  /**
   * Commits offsets of a group. Resolves once they are in the log.
   *
   * @throws ProtocolError if the member may not commit now
   */
  async commit(
    groupId: string,
    reference: MemberReference,
    offsets: readonly OffsetToCommit[],
  ): Promise<void> {
    const managed = this.groupForCommit(groupId, reference);
    managed.group.checkCommit(reference);
    this.admitOffsets(groupId, offsets);
    await this.offsets.commit(groupId, offsets);
  }

  /**
   * Commits offsets of a group as part of a transaction. Resolves once they are in the log.
   *
   * @throws ProtocolError if the member or the producer may not commit now
   */
  async commitInTransaction(
    groupId: string,
    reference: MemberReference,
    producer: OffsetsProducer,
    offsets: readonly OffsetToCommit[],
  ): Promise<void> {
    checkGroupId(groupId);
    const managed = this.groupForCommit(groupId, reference);
    managed.group.checkCommit(reference, 'transactional');
    this.admitOffsets(groupId, offsets);
    await this.offsets.commitInTransaction(groupId, producer, offsets);
  }

  /** Applies or discards the offsets of a transaction, whose marker is in the log. */
  endTransaction(producerId: bigint, outcome: Outcome): void {
    for (const groupId of this.offsets.endTransaction(producerId, outcome)) this.groupFor(groupId);
  }

  /** Whether an open transaction has committed an offset for the partition. */
  isUnstable(groupId: string, topic: string, partition: number): boolean {
    return this.offsets.isUnstable(groupId, topic, partition);
  }

  /** The group of a commit. Commits without a member create it. */
  private groupForCommit(groupId: string, reference: MemberReference): ManagedGroup {
    const withoutMember = reference.generationId < 0 && reference.memberId === '';
    if (!withoutMember && !this.groups.has(groupId)) {
      throw new ProtocolError(ErrorCode.ILLEGAL_GENERATION, `group '${groupId}' does not exist`);
    }
    return this.groupWithRoom(groupId);
  }

  private admitOffsets(groupId: string, offsets: readonly OffsetToCommit[]): void {
    this.limits.admitOffsets(offsets, ({ topic, partition }) => {
      const committed = this.offsets.get(groupId, topic, partition);
      return committed === undefined ? 0 : bytesOfOffset({ topic, metadata: committed.metadata });
    });
  }

  /** Whether the metadata is within `offset.metadata.max.bytes`. */
  acceptsMetadata(metadata: string | null): boolean {
    return Buffer.byteLength(metadata ?? '') <= this.options.config.number('offset.metadata.max.bytes');
  }

  committed(groupId: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.offsets.get(groupId, topic, partition);
  }

  allCommitted(groupId: string): StoredOffset[] {
    return this.offsets.all(groupId);
  }

  group(groupId: string): Group | undefined {
    return this.groups.get(groupId)?.group;
  }

  all(): Group[] {
    return [...this.groups.values()].map((managed) => managed.group);
  }

  /** @throws ProtocolError `GROUP_ID_NOT_FOUND`, `NON_EMPTY_GROUP` */
  async delete(groupId: string): Promise<void> {
    const managed = this.groups.get(groupId);
    if (managed === undefined)
      throw new ProtocolError(ErrorCode.GROUP_ID_NOT_FOUND, `group '${groupId}' does not exist`);
    if (!managed.group.isEmpty)
      throw new ProtocolError(ErrorCode.NON_EMPTY_GROUP, `group '${groupId}' is not empty`);
    await this.removeGroup(managed);
  }

  /** Removes offsets of a group. @throws ProtocolError if the group does not exist */
  async deleteOffsets(
    groupId: string,
    partitions: readonly { topic: string; partition: number }[],
  ): Promise<void> {
    if (!this.groups.has(groupId)) {
      throw new ProtocolError(ErrorCode.GROUP_ID_NOT_FOUND, `group '${groupId}' does not exist`);
    }
    await this.offsets.remove(groupId, partitions);
  }

  /** Removes the offsets of a deleted topic. */
  async topicDeleted(topic: string): Promise<void> {
    await this.offsets.removeTopic(topic);
  }

  /** Stops the timers, and answers waiting requests. */
  close(): void {
    this.timer?.clear();
    for (const { group } of this.groups.values()) group.close();
  }

  /** @throws ProtocolError `POLICY_VIOLATION` if the group does not exist, and there are `max.groups` others */
  private groupWithRoom(groupId: string): ManagedGroup {
    const known = this.groups.get(groupId);
    if (known !== undefined) return known;
    checkIdLength(groupId);
    const max = this.options.config.number('max.groups');
    if (this.groups.size >= max) this.removeUnused();
    if (this.groups.size >= max) {
      throw new ProtocolError(
        ErrorCode.POLICY_VIOLATION,
        `the number of groups has reached max.groups, ${max}`,
      );
    }
    return this.groupFor(groupId);
  }

  /** Removes groups that never had a member or an offset: clients that asked for a member id and did not return. */
  private removeUnused(): void {
    for (const [groupId, { group }] of this.groups) {
      if (group.generationId > 0 || group.members.size > 0 || this.offsets.hasAny(groupId)) continue;
      group.close();
      this.groups.delete(groupId);
    }
  }

  private groupFor(groupId: string): ManagedGroup {
    const known = this.groups.get(groupId);
    if (known !== undefined) return known;
    const managed: ManagedGroup = {
      group: new Group(groupId, {
        save: (group) => this.save(group),
        emptied: (group) => this.emptied(group),
        onEvent: (event) => this.logEvent(groupId, event),
        maxSize: () => this.options.config.number('group.max.size'),
        initialDelayMs: () => this.options.config.number('group.initial.rebalance.delay.ms'),
      }),
      emptySinceMs: this.options.now(),
    };
    this.groups.set(groupId, managed);
    return managed;
  }

  private logEvent(groupId: string, event: GroupLogEvent): void {
    const { logger } = this.options;
    const group = this.groups.get(groupId)?.group;
    const found = { group: groupId, generation: group?.generationId, members: group?.members.size };
    switch (event.kind) {
      case 'rebalance':
        return logger.info({ ...found, reason: event.reason }, 'group rebalance started');
      case 'expired': {
        const { memberId, clientId, clientHost } = event.member;
        return logger.warn({ ...found, memberId, clientId, clientHost }, 'group member expired');
      }
      case 'stable':
        return logger.info(found, 'group stabilized');
    }
  }

  private memberGroup(groupId: string): ManagedGroup {
    checkGroupId(groupId);
    const managed = this.groups.get(groupId);
    if (managed === undefined) {
      throw new ProtocolError(ErrorCode.UNKNOWN_MEMBER_ID, `group '${groupId}' does not exist`);
    }
    return managed;
  }

  private emptied(group: Group): void {
    this.groupFor(group.groupId).emptySinceMs = this.options.now();
    this.save(group).catch((err: unknown) => {
      this.options.logger.error({ err, group: group.groupId }, 'write of the group metadata failed');
    });
  }

  private async save(group: Group): Promise<void> {
    const now = this.options.now();
    const value: GroupValue = {
      protocolType: group.protocolType ?? '',
      generation: group.generationId,
      protocol: group.protocolName,
      leader: group.leaderId,
      currentStateTimestamp: BigInt(now),
      members: [...group.members.values()].map((member) => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeout: member.rebalanceTimeoutMs,
        sessionTimeout: member.sessionTimeoutMs,
        subscription: group.metadataOf(member),
        assignment: member.assignment,
      })),
    };
    await appendEntries(this.log, [{ kind: 'group', group: group.groupId, value }], now);
  }

  private async removeGroup({ group }: ManagedGroup): Promise<void> {
    const { groupId } = group;
    const tombstones = this.offsets.tombstones(groupId);
    await appendEntries(
      this.log,
      [...tombstones, { kind: 'group', group: groupId, value: null }],
      this.options.now(),
    );
    this.offsets.discard(groupId);
    group.close();
    this.groups.delete(groupId);
  }

  private async load(): Promise<void> {
    const lastStates = new Map<string, GroupValue>();
    let unreadable = 0;
    await replayEntries(this.log, {
      entry: (entry, transaction) => {
        if (entry.kind === 'offset') {
          this.offsets.restore(entry, transaction);
        } else if (entry.value === null) {
          lastStates.delete(entry.group);
          this.offsets.restoreTombstone(entry.group);
        } else {
          lastStates.set(entry.group, copyOfGroup(entry.value));
        }
      },
      end: (producerId, outcome) => void this.offsets.endTransaction(producerId, outcome),
      unreadable: () => unreadable++,
    });
    if (unreadable > 0) {
      this.options.logger.error({ topic: OFFSETS_TOPIC, records: unreadable }, 'unreadable records ignored');
    }
    for (const groupId of this.offsets.groupIds()) this.groupFor(groupId);
    for (const [groupId, value] of lastStates) {
      const managed = this.groupFor(groupId);
      managed.emptySinceMs = Number(value.currentStateTimestamp);
      managed.group.restore(
        {
          generationId: value.generation,
          protocolType: value.protocolType,
          protocolName: value.protocol,
          leaderId: value.leader,
        },
        value.members.map((member) => restoredMember(member, value.protocol ?? '')),
      );
    }
  }

  private startExpiry(): void {
    const everyMs = this.options.config.number('offsets.retention.check.interval.ms');
    this.timer = setLongInterval(() => void this.expire(), everyMs).unref();
  }

  /** Removes expired offsets, and empty groups without offsets. A failure for one group does not affect others. */
  async expire(): Promise<void> {
    if (this.expiring) return;
    this.expiring = true;
    const retentionMs = this.options.config.number('offsets.retention.minutes') * 60_000;
    for (const managed of [...this.groups.values()]) {
      await this.expireGroup(managed, retentionMs).catch((err: unknown) => {
        this.options.logger.error(
          { err, group: managed.group.groupId },
          'expired offsets of a group not removed',
        );
      });
    }
    this.expiring = false;
  }

  private async expireGroup(managed: ManagedGroup, retentionMs: number): Promise<void> {
    const { group, emptySinceMs } = managed;
    const { groupId } = group;
    const expired = expiredOffsets(
      { group, offsets: this.offsets.all(groupId), emptySinceMs },
      { nowMs: this.options.now(), retentionMs },
    ).filter(({ topic, partition }) => !this.isUnstable(groupId, topic, partition));
    await this.offsets.remove(groupId, expired);
    if (group.isEmpty && !this.offsets.hasAny(groupId)) await this.removeGroup(managed);
  }
}

/** Groups with members must have an id. Offsets may be committed without one, as old clients do. */
function checkGroupId(groupId: string): void {
  if (groupId === '') throw new ProtocolError(ErrorCode.INVALID_GROUP_ID, 'a group id must not be empty');
}

/** Copies the buffers, which belong to the batch that was read. */
function copyOfGroup(value: GroupValue): GroupValue {
  return {
    ...value,
    members: value.members.map((member) => ({
      ...member,
      subscription: Buffer.from(member.subscription),
      assignment: Buffer.from(member.assignment),
    })),
  };
}

function restoredMember(member: GroupValue['members'][number], protocol: string): Member {
  return {
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    sessionTimeoutMs: member.sessionTimeout,
    rebalanceTimeoutMs: member.rebalanceTimeout,
    protocols: [{ name: protocol, metadata: member.subscription }],
    assignment: member.assignment ?? NO_BYTES,
    joining: undefined,
    syncing: undefined,
    synced: true,
    session: undefined,
  };
}
