import { until } from '@hailstream/service/testing';
import { nameOf } from '../../src/protocol/error-codes.js';
import type { RawClient } from '../broker/raw-client.js';
import { Api, named, only, type Named } from './apis.js';

export interface JoinOptions {
  readonly version?: number;
  readonly memberId?: string;
  readonly protocolType?: string;
  /** Protocol names, with the member's metadata for each. */
  readonly protocols?: Readonly<Record<string, string>>;
  readonly sessionTimeoutMs?: number;
  readonly rebalanceTimeoutMs?: number;
}

interface Joined {
  readonly errorCode: number;
  readonly generationId: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly leader: string;
  readonly skipAssignment: boolean;
  readonly memberId: string;
  readonly members: readonly { memberId: string; groupInstanceId: string | null; metadata: Buffer }[];
}

interface MemberReference {
  readonly groupId?: string;
  readonly memberId?: string;
  readonly generationId?: number;
  readonly groupInstanceId?: string | null;
}

interface CommittedOffset {
  readonly partitionIndex: number;
  readonly committedOffset: bigint;
  readonly committedLeaderEpoch: number;
  readonly metadata: string | null;
  readonly errorCode: number;
}

interface DescribedGroup {
  readonly errorCode: number;
  readonly groupId: string;
  readonly groupState: string;
  readonly protocolType: string;
  readonly protocolData: string;
  readonly members: readonly {
    memberId: string;
    groupInstanceId: string | null;
    clientId: string;
    memberMetadata: Buffer;
    memberAssignment: Buffer;
  }[];
}

/** A member with its own connection. It sends its member id and generation as soon as it has them. */
class MemberUnderTest {
  memberId = '';
  generationId = -1;

  constructor(
    readonly client: RawClient,
    readonly groupId: string,
    readonly groupInstanceId: string | null,
  ) {}

  /** Sends a single JoinGroup request. */
  async askToJoin(options: JoinOptions = {}): Promise<Named<Joined>> {
    const joined = await this.client.call<Joined>(Api.JoinGroup as number, options.version ?? 9, {
      groupId: this.groupId,
      sessionTimeoutMs: options.sessionTimeoutMs ?? 30_000,
      rebalanceTimeoutMs: options.rebalanceTimeoutMs ?? 30_000,
      memberId: options.memberId ?? this.memberId,
      groupInstanceId: this.groupInstanceId,
      protocolType: options.protocolType ?? 'consumer',
      protocols: Object.entries(options.protocols ?? { range: 'rides' }).map(([name, metadata]) => ({
        name,
        metadata: Buffer.from(metadata),
      })),
      reason: null,
    });
    return named(joined);
  }

  /** Joins as clients do: repeats the request with the member id from the first response. */
  async join(options: JoinOptions = {}): Promise<Named<Joined>> {
    let joined = await this.askToJoin(options);
    if (joined.error === 'MEMBER_ID_REQUIRED') {
      this.memberId = joined.memberId;
      joined = await this.askToJoin({ ...options, memberId: joined.memberId });
    }
    if (joined.error === 'NONE') {
      this.memberId = joined.memberId;
      this.generationId = joined.generationId;
    }
    return joined;
  }

  /** @returns the assignment, or the error */
  async sync(
    assignments: Readonly<Record<string, string>> = {},
    change: MemberReference & { protocolType?: string; protocolName?: string; version?: number } = {},
  ): Promise<string> {
    const { version = 5, ...reference } = change;
    const { errorCode, assignment } = await this.client.call<{ errorCode: number; assignment: Buffer }>(
      Api.SyncGroup as number,
      version,
      {
        protocolType: 'consumer',
        protocolName: 'range',
        ...this.reference(reference),
        assignments: Object.entries(assignments).map(([memberId, text]) => ({
          memberId,
          assignment: Buffer.from(text),
        })),
      },
    );
    return errorCode === 0 ? assignment.toString() : nameOf(errorCode);
  }

  async heartbeat(change: MemberReference = {}, version = 4): Promise<string> {
    const { errorCode } = await this.client.call<{ errorCode: number }>(
      Api.Heartbeat as number,
      version,
      this.reference(change),
    );
    return nameOf(errorCode);
  }

  /** Sends a LeaveGroup request with a single member, as before version 3. */
  async leave(): Promise<string> {
    const { errorCode } = await this.client.call<{ errorCode: number }>(Api.LeaveGroup as number, 2, {
      groupId: this.groupId,
      memberId: this.memberId,
    });
    return nameOf(errorCode);
  }

  /** @returns the error of each partition */
  async commit(
    topic: string,
    offsets: readonly bigint[] | bigint,
    change: MemberReference & { metadata?: string | null; version?: number; leaderEpoch?: number } = {},
  ): Promise<string> {
    const { metadata = '', version = 8, leaderEpoch = -1, ...reference } = change;
    const { topics } = await this.client.call<{
      topics: { partitions: { partitionIndex: number; errorCode: number }[] }[];
    }>(Api.OffsetCommit as number, version, {
      ...this.reference(reference),
      retentionTimeMs: -1n,
      topics: [
        {
          name: topic,
          partitions: [offsets].flat().map((committedOffset, partitionIndex) => ({
            partitionIndex,
            committedOffset,
            committedLeaderEpoch: leaderEpoch,
            committedMetadata: metadata,
          })),
        },
      ],
    });
    return only(topics)
      .partitions.sort((a, b) => a.partitionIndex - b.partitionIndex)
      .map(({ errorCode }) => nameOf(errorCode))
      .join(', ');
  }

  private reference(change: MemberReference) {
    return {
      groupId: this.groupId,
      generationId: this.generationId,
      memberId: this.memberId,
      groupInstanceId: this.groupInstanceId,
      ...change,
    };
  }
}

/** A consumer group and a connection to its coordinator. */
export class GroupUnderTest {
  constructor(
    readonly name: string,
    private readonly connect: () => Promise<RawClient>,
  ) {}

  async ask<T>(apiKey: number | undefined, version: number, body: object): Promise<T> {
    const client = await this.connect();
    return client.call<T>(apiKey as number, version, body);
  }

  async member(groupInstanceId: string | null = null, groupId = this.name): Promise<MemberUnderTest> {
    return new MemberUnderTest(await this.connect(), groupId, groupInstanceId);
  }

  /** A stable group with one member. */
  async withOne(instanceId: string | null = null, options: JoinOptions = {}): Promise<MemberUnderTest> {
    const member = await this.member(instanceId);
    const { error } = await member.join(options);
    if (error !== 'NONE') throw new Error(`JoinGroup failed: ${error}`);
    await member.sync({ [member.memberId]: 'part of a' });
    return member;
  }

  /** A stable group with two members. The first is the leader. */
  async withTwo(instanceIds: readonly [string, string] | readonly [null, null] = [null, null]) {
    const a = await this.withOne(instanceIds[0]);
    const b = await this.member(instanceIds[1]);
    const joining = b.join();
    await until(async () => (await a.heartbeat()) === 'REBALANCE_IN_PROGRESS');
    await a.join();
    await joining;
    const parts = { [a.memberId]: 'part of a', [b.memberId]: 'part of b' };
    await Promise.all([a.sync(parts), b.sync()]);
    return { a, b };
  }

  async describe(version = 5): Promise<Named<DescribedGroup>> {
    const answer = await this.ask<{ groups: DescribedGroup[] }>(Api.DescribeGroups, version, {
      groups: [this.name],
      includeAuthorizedOperations: false,
    });
    return named(only(answer.groups));
  }

  /** Uses the format of versions 1 to 7. `topics` is null for all committed offsets. */
  async committed(
    topics: readonly { name: string; partitionIndexes: number[] }[] | null,
    { version = 7, requireStable = false } = {},
  ) {
    const answer = await this.ask<{
      errorCode: number;
      topics: { name: string; partitions: CommittedOffset[] }[];
    }>(Api.OffsetFetch, version, { groupId: this.name, topics, requireStable });
    return named({
      ...answer,
      topics: answer.topics.map(({ name, partitions }) => ({ name, partitions: partitions.map(named) })),
    });
  }

  /** The committed offset of partition 0. */
  async committedOf(topic: string) {
    const { topics } = await this.committed([{ name: topic, partitionIndexes: [0] }]);
    return only(only(topics).partitions);
  }

  /**
   * Removes members, in the format of version 3 and later.
   * @returns the error of the request and of each member
   */
  async leave(
    members: readonly { memberId: string; groupInstanceId: string | null }[],
    version = 5,
  ): Promise<{ error: string; members: string[] }> {
    const answer = await this.ask<{ errorCode: number; members: { errorCode: number }[] }>(
      Api.LeaveGroup,
      version,
      { groupId: this.name, members: members.map((member) => ({ ...member, reason: null })) },
    );
    return {
      error: nameOf(answer.errorCode),
      members: answer.members.map(({ errorCode }) => nameOf(errorCode)),
    };
  }

  async delete(): Promise<string> {
    const { results } = await this.ask<{ results: { errorCode: number }[] }>(Api.DeleteGroups, 2, {
      groupsNames: [this.name],
    });
    return nameOf(only(results).errorCode);
  }

  async deleteOffsets(topic: string, partitions: readonly number[]) {
    const answer = await this.ask<{
      errorCode: number;
      topics: { partitions: { errorCode: number }[] }[];
    }>(Api.OffsetDelete, 0, {
      groupId: this.name,
      topics: [{ name: topic, partitions: partitions.map((partitionIndex) => ({ partitionIndex })) }],
    });
    return {
      error: nameOf(answer.errorCode),
      partitions: answer.topics.flatMap(({ partitions: each }) =>
        each.map(({ errorCode }) => nameOf(errorCode)),
      ),
    };
  }
}
