import { setLongInterval, type LongTimer } from '@hailstream/service/timers';
import type { Logger } from 'pino';
import type { BrokerConfig } from '../config/config.js';
import { ErrorCode, ProtocolError } from '../../protocol/error-codes.js';
import type { Outcome } from '../../protocol/markers.js';
import type { LogStore } from '../storage/topics/log-store.js';
import type { PartitionLog } from '../storage/partition/partition-log.js';
import { expiredOffsets } from './offsets/expiry.js';
import { Group } from './membership/group.js';
import type { GroupNews } from './membership/group-hooks.js';
import { NO_BYTES, type JoinAnswer, type Member, type SyncAnswer } from './membership/member.js';
import {
  appendEntries,
  OFFSETS_PARTITION,
  OFFSETS_TOPIC,
  replayEntries,
  type CommittedOffset,
  type GroupValue,
  type KeptEntry,
  type OffsetsProducer,
} from './offsets/offsets-log.js';
import { PendingOffsets, type GroupOffset } from './offsets/pending-offsets.js';
import type { JoinRequest, MemberReference, SyncRequest } from './membership/requests.js';
import { partitionName } from '../../protocol/partition-name.js';

export interface CoordinatorOptions {
  readonly store: LogStore;
  readonly config: BrokerConfig;
  readonly logger: Logger;
  readonly now: () => number;
}

/** An offset to commit. */
export interface OffsetToCommit {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly leaderEpoch: number;
  readonly metadata: string | null;
}

interface KeptGroup {
  readonly group: Group;
  readonly offsets: Map<string, CommittedOffset & { topic: string; partition: number; order: number }>;
  emptySinceMs: number;
}

/** All consumer groups: their members by the classic protocol, and the offsets that they committed. */
export class GroupCoordinator {
  private readonly groups = new Map<string, KeptGroup>();
  private readonly pending = new PendingOffsets();
  private timer: LongTimer | undefined;
  /** How many entries were kept or read back. */
  private commits = 0;
  private expiring = false;

  private constructor(
    private readonly options: CoordinatorOptions,
    private readonly log: PartitionLog,
  ) {}

  /** Reads back what was kept. */
  static async open(options: CoordinatorOptions): Promise<GroupCoordinator> {
    const { store } = options;
    const topic =
      store.topic(OFFSETS_TOPIC) ??
      // Segments are short, so that what is outdated goes soon and a start reads little.
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
        `${sessionTimeoutMs} ms is not in ${min}..${max}`,
      );
    }
    if (!this.groups.has(groupId) && memberId !== '') {
      throw new ProtocolError(ErrorCode.UNKNOWN_MEMBER_ID, `there is no group '${groupId}'`);
    }
    return this.groupFor(groupId).group.join(request);
  }

  async sync(groupId: string, request: SyncRequest): Promise<SyncAnswer> {
    return this.memberGroup(groupId).group.sync(request);
  }

  heartbeat(groupId: string, reference: MemberReference): void {
    this.memberGroup(groupId).group.heartbeat(reference);
  }

  /** @returns the member that left */
  leave(groupId: string, reference: Omit<MemberReference, 'generationId'>): string {
    return this.memberGroup(groupId).group.leave(reference);
  }

  /**
   * Keeps offsets of a group; resolves once they are in the log.
   *
   * @throws ProtocolError where this member may not commit now
   */
  async commit(
    groupId: string,
    reference: MemberReference,
    offsets: readonly OffsetToCommit[],
  ): Promise<void> {
    const kept = this.groupThatCommits(groupId, reference);
    kept.group.checkCommit(reference);
    if (offsets.length === 0) return;
    const now = this.options.now();
    const entries = offsets.map((offset) => this.offsetEntry(groupId, offset, now));
    await appendEntries(this.log, entries, now);
    for (const entry of entries) this.apply(entry, entry.order);
  }

  /**
   * Keeps offsets of a group that hold once the producer's transaction is committed; resolves once they are in the log.
   *
   * @throws ProtocolError where this member or this producer may not commit now
   */
  async commitInTransaction(
    groupId: string,
    reference: MemberReference,
    producer: OffsetsProducer,
    offsets: readonly OffsetToCommit[],
  ): Promise<void> {
    checkGroupId(groupId);
    const kept = this.groupThatCommits(groupId, reference);
    kept.group.checkCommit(reference, 'transactional');
    if (offsets.length === 0) return;
    const now = this.options.now();
    const entries = offsets.map((offset) => this.offsetEntry(groupId, offset, now));
    // Before they are written: a marker that comes right behind them must find them.
    for (const entry of entries) this.pending.add(producer.producerId, entry);
    try {
      await appendEntries(this.log, entries, now, producer);
    } catch (error) {
      for (const entry of entries) this.pending.drop(producer.producerId, entry);
      throw error;
    }
  }

  /** Makes the offsets of a transaction hold, or forgets them; its marker is in the log. */
  endTransaction(producerId: bigint, outcome: Outcome): void {
    const offsets = this.pending.take(producerId);
    if (outcome === 'abort') return;
    for (const offset of offsets) this.apply({ kind: 'offset', ...offset }, offset.order);
  }

  /** Whether a transaction that has not ended is going to say what this offset is. */
  isUnstable(groupId: string, topic: string, partition: number): boolean {
    return this.pending.has(groupId, topic, partition);
  }

  /** The group, made where one from outside of any commits. */
  private groupThatCommits(groupId: string, reference: MemberReference): KeptGroup {
    const outside = reference.generationId < 0 && reference.memberId === '';
    if (!outside && !this.groups.has(groupId)) {
      throw new ProtocolError(ErrorCode.ILLEGAL_GENERATION, `there is no group '${groupId}'`);
    }
    return this.groupFor(groupId);
  }

  /** Whether this offset's metadata is short enough to be kept. */
  takesMetadata(metadata: string | null): boolean {
    return Buffer.byteLength(metadata ?? '') <= this.options.config.number('offset.metadata.max.bytes');
  }

  committed(groupId: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.groups.get(groupId)?.offsets.get(partitionName(topic, partition));
  }

  allCommitted(groupId: string): (CommittedOffset & { topic: string; partition: number })[] {
    return [...(this.groups.get(groupId)?.offsets.values() ?? [])];
  }

  group(groupId: string): Group | undefined {
    return this.groups.get(groupId)?.group;
  }

  all(): Group[] {
    return [...this.groups.values()].map((kept) => kept.group);
  }

  /** @throws ProtocolError `GROUP_ID_NOT_FOUND`, `NON_EMPTY_GROUP` */
  async delete(groupId: string): Promise<void> {
    const kept = this.groups.get(groupId);
    if (kept === undefined) throw new ProtocolError(ErrorCode.GROUP_ID_NOT_FOUND, `no group '${groupId}'`);
    if (!kept.group.isEmpty) throw new ProtocolError(ErrorCode.NON_EMPTY_GROUP, `'${groupId}' has members`);
    await this.removeGroup(kept);
  }

  /** Forgets offsets of a group. @throws ProtocolError where it does not exist */
  async deleteOffsets(
    groupId: string,
    partitions: readonly { topic: string; partition: number }[],
  ): Promise<void> {
    const kept = this.groups.get(groupId);
    if (kept === undefined) throw new ProtocolError(ErrorCode.GROUP_ID_NOT_FOUND, `no group '${groupId}'`);
    const gone = partitions.filter(({ topic, partition }) =>
      kept.offsets.has(partitionName(topic, partition)),
    );
    await this.removeOffsets(kept, gone);
  }

  /** Forgets the offsets that any group committed for a topic that is no more. */
  async topicDeleted(topic: string): Promise<void> {
    this.pending.dropWhere((offset) => offset.topic === topic);
    for (const kept of this.groups.values()) {
      await this.removeOffsets(
        kept,
        [...kept.offsets.values()].filter((offset) => offset.topic === topic),
      );
    }
  }

  /** Stops the timers; whoever waits is answered. */
  close(): void {
    this.timer?.clear();
    for (const { group } of this.groups.values()) group.end();
  }

  private groupFor(groupId: string): KeptGroup {
    const known = this.groups.get(groupId);
    if (known !== undefined) return known;
    const kept: KeptGroup = {
      group: new Group(groupId, {
        save: (group) => this.save(group),
        emptied: (group) => this.emptied(group),
        tell: (news) => this.tell(groupId, news),
        maxSize: () => this.options.config.number('group.max.size'),
        initialDelayMs: () => this.options.config.number('group.initial.rebalance.delay.ms'),
      }),
      offsets: new Map(),
      emptySinceMs: this.options.now(),
    };
    this.groups.set(groupId, kept);
    return kept;
  }

  private tell(groupId: string, news: GroupNews): void {
    const { logger } = this.options;
    const group = this.groups.get(groupId)?.group;
    const found = { group: groupId, generation: group?.generationId, members: group?.members.size };
    switch (news.kind) {
      case 'rebalance':
        return logger.info({ ...found, reason: news.reason }, 'group rebalances');
      case 'expired': {
        const { memberId, clientId, clientHost } = news.member;
        return logger.warn({ ...found, memberId, clientId, clientHost }, 'member expired');
      }
      case 'stable':
        return logger.info(found, 'group is stable');
    }
  }

  private memberGroup(groupId: string): KeptGroup {
    checkGroupId(groupId);
    const kept = this.groups.get(groupId);
    if (kept === undefined) {
      throw new ProtocolError(ErrorCode.UNKNOWN_MEMBER_ID, `there is no group '${groupId}'`);
    }
    return kept;
  }

  private emptied(group: Group): void {
    this.groupFor(group.groupId).emptySinceMs = this.options.now();
    this.save(group).catch((err: unknown) => {
      this.options.logger.error({ err, group: group.groupId }, 'group not saved');
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

  private async removeGroup(kept: KeptGroup): Promise<void> {
    const { groupId } = kept.group;
    const entries: KeptEntry[] = [...kept.offsets.values()].map(({ topic, partition }) => ({
      kind: 'offset',
      group: groupId,
      topic,
      partition,
      value: null,
    }));
    await appendEntries(
      this.log,
      [...entries, { kind: 'group', group: groupId, value: null }],
      this.options.now(),
    );
    this.pending.dropWhere((offset) => offset.group === groupId);
    kept.group.end();
    this.groups.delete(groupId);
  }

  private async removeOffsets(
    kept: KeptGroup,
    partitions: readonly { topic: string; partition: number }[],
  ): Promise<void> {
    if (partitions.length === 0) return;
    const entries = partitions.map(({ topic, partition }) => ({
      kind: 'offset' as const,
      group: kept.group.groupId,
      topic,
      partition,
      value: null,
    }));
    await appendEntries(this.log, entries, this.options.now());
    for (const entry of entries) this.apply(entry, ++this.commits);
  }

  private async load(): Promise<void> {
    const lastStates = new Map<string, GroupValue>();
    let unreadable = 0;
    await replayEntries(this.log, {
      entry: (entry, transaction) => {
        if (entry.kind === 'offset') {
          const order = ++this.commits;
          if (transaction === undefined || entry.value === null) this.apply(entry, order);
          else this.pending.add(transaction, { ...entry, value: entry.value, order });
        } else if (entry.value === null) {
          lastStates.delete(entry.group);
          this.groups.delete(entry.group);
        } else {
          lastStates.set(entry.group, copyOfGroup(entry.value));
        }
      },
      end: (producerId, outcome) => this.endTransaction(producerId, outcome),
      unreadable: () => unreadable++,
    });
    if (unreadable > 0) {
      this.options.logger.error({ topic: OFFSETS_TOPIC, records: unreadable }, 'unreadable records ignored');
    }
    for (const [groupId, value] of lastStates) {
      const kept = this.groupFor(groupId);
      kept.emptySinceMs = Number(value.currentStateTimestamp);
      kept.group.restore(
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

  private apply(
    { group, topic, partition, value }: Extract<KeptEntry, { kind: 'offset' }>,
    order: number,
  ): void {
    const { offsets } = this.groupFor(group);
    const key = partitionName(topic, partition);
    const later = offsets.get(key);
    if (value === null) offsets.delete(key);
    else if (later === undefined || later.order < order)
      offsets.set(key, { ...value, topic, partition, order });
  }

  private offsetEntry(
    group: string,
    { topic, partition, offset, leaderEpoch, metadata }: OffsetToCommit,
    nowMs: number,
  ): { kind: 'offset' } & GroupOffset {
    const value = { offset, leaderEpoch, metadata: metadata ?? '', commitTimestamp: BigInt(nowMs) };
    return { kind: 'offset', group, topic, partition, value, order: ++this.commits };
  }

  private startExpiry(): void {
    const everyMs = this.options.config.number('offsets.retention.check.interval.ms');
    this.timer = setLongInterval(() => void this.expire(), everyMs).unref();
  }

  /** Removes offsets that nobody is going to read on from, and groups of which nothing is left. One that fails stops no other. */
  async expire(): Promise<void> {
    if (this.expiring) return;
    this.expiring = true;
    const keptMs = this.options.config.number('offsets.retention.minutes') * 60_000;
    for (const kept of [...this.groups.values()]) {
      await this.expireGroup(kept, keptMs).catch((err: unknown) => {
        this.options.logger.error(
          { err, group: kept.group.groupId },
          'expired offsets of a group not removed',
        );
      });
    }
    this.expiring = false;
  }

  private async expireGroup(kept: KeptGroup, keptMs: number): Promise<void> {
    const { group, offsets, emptySinceMs } = kept;
    const expired = expiredOffsets(
      { group, offsets: offsets.values(), emptySinceMs },
      { nowMs: this.options.now(), keptMs },
    ).filter(({ topic, partition }) => !this.isUnstable(group.groupId, topic, partition));
    await this.removeOffsets(kept, expired);
    if (group.isEmpty && offsets.size === 0 && !this.pending.hasAnyOf(group.groupId)) {
      await this.removeGroup(kept);
    }
  }
}

/** Nobody joins a group without a name; offsets may be kept for it, as clients did that knew no groups. */
function checkGroupId(groupId: string): void {
  if (groupId === '') throw new ProtocolError(ErrorCode.INVALID_GROUP_ID, 'a group id must not be empty');
}

/** The buffers of a read log are borrowed. */
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
