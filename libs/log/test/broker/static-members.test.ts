import { describe, expect, it } from 'vitest';
import { startTestBroker, type TestBroker } from '../../src/testing.js';
import { RawClient } from './raw-client.js';
import { until } from './_util.js';

const METADATA = 3;
const OFFSET_COMMIT = 8;
const JOIN_GROUP = 11;
const HEARTBEAT = 12;
const LEAVE_GROUP = 13;
const SYNC_GROUP = 14;
const DESCRIBE_GROUPS = 15;
const TOPIC = 'rides';
const GROUP = 'readers';
const UNKNOWN_MEMBER_ID = 25;
const REBALANCE_IN_PROGRESS = 27;
const FENCED_INSTANCE_ID = 82;
/** The last version in which a leader that came back must not know that it leads, and the one that tells it. */
const WITHOUT_SKIP = 5;
const WITH_SKIP = 9;

interface Joined {
  readonly errorCode: number;
  readonly generationId: number;
  readonly leader: string;
  readonly skipAssignment: boolean;
  readonly memberId: string;
  readonly members: { readonly memberId: string; readonly groupInstanceId: string | null }[];
}

/** One static member on a connection of its own. */
class Member implements Disposable {
  memberId = '';
  generationId = -1;

  private constructor(
    private readonly client: RawClient,
    readonly instanceId: string,
  ) {}

  static async connect({ port }: TestBroker, instanceId: string): Promise<Member> {
    const client = await RawClient.connect(port);
    await client.call(METADATA, 6, { topics: [{ name: TOPIC }], allowAutoTopicCreation: true });
    return new Member(client, instanceId);
  }

  async join(
    options: { version?: number; metadata?: string; protocols?: readonly string[] } = {},
  ): Promise<Joined> {
    const { protocols = ['range', 'roundrobin'], metadata = TOPIC } = options;
    const joined = await this.client.call<Joined>(JOIN_GROUP, options.version ?? WITHOUT_SKIP, {
      groupId: GROUP,
      sessionTimeoutMs: 30_000,
      rebalanceTimeoutMs: 30_000,
      memberId: this.memberId,
      groupInstanceId: this.instanceId,
      protocolType: 'consumer',
      protocols: protocols.map((name) => ({ name, metadata: Buffer.from(metadata) })),
      reason: null,
    });
    this.memberId = joined.memberId;
    this.generationId = joined.generationId;
    return joined;
  }

  async sync(assignments: Record<string, string> = {}): Promise<string> {
    const { errorCode, assignment } = await this.client.call<{ errorCode: number; assignment: Buffer }>(
      SYNC_GROUP,
      3,
      {
        ...this.reference,
        assignments: Object.entries(assignments).map(([memberId, text]) => ({
          memberId,
          assignment: Buffer.from(text),
        })),
      },
    );
    if (errorCode !== 0) throw new Error(`no part for ${this.instanceId}: error ${errorCode}`);
    return assignment.toString();
  }

  async heartbeat(): Promise<number> {
    const { errorCode } = await this.client.call<{ errorCode: number }>(HEARTBEAT, 3, this.reference);
    return errorCode;
  }

  async commit(): Promise<number> {
    const partition = {
      partitionIndex: 0,
      committedOffset: 1n,
      committedLeaderEpoch: -1,
      committedMetadata: '',
    };
    const { topics } = await this.client.call<{ topics: { partitions: { errorCode: number }[] }[] }>(
      OFFSET_COMMIT,
      7,
      { ...this.reference, topics: [{ name: TOPIC, partitions: [partition] }] },
    );
    return topics[0]?.partitions[0]?.errorCode as number;
  }

  /** Leaves in the name of others, too, as an operator's tool does. */
  async leave(members: { memberId: string; groupInstanceId: string }[]): Promise<number[]> {
    const left = await this.client.call<{ members: { errorCode: number }[] }>(LEAVE_GROUP, 3, {
      groupId: GROUP,
      members,
    });
    return left.members.map(({ errorCode }) => errorCode);
  }

  async groupState(): Promise<string | undefined> {
    const { groups } = await this.client.call<{ groups: { groupState: string }[] }>(DESCRIBE_GROUPS, 4, {
      groups: [GROUP],
      includeAuthorizedOperations: false,
    });
    return groups[0]?.groupState;
  }

  [Symbol.dispose](): void {
    this.client[Symbol.dispose]();
  }

  private get reference() {
    return {
      groupId: GROUP,
      generationId: this.generationId,
      memberId: this.memberId,
      groupInstanceId: this.instanceId,
    };
  }
}

/** Two static members, `a` the leader, each with its part. */
async function formGroup(broker: TestBroker): Promise<{ a: Member; b: Member } & Disposable> {
  const a = await Member.connect(broker, 'a');
  const b = await Member.connect(broker, 'b');
  await a.join();
  await a.sync({ [a.memberId]: 'all' });
  const joining = b.join();
  await until(async () => (await a.heartbeat()) === REBALANCE_IN_PROGRESS);
  await a.join();
  await joining;
  const parts = { [a.memberId]: 'part of a', [b.memberId]: 'part of b' };
  expect(await Promise.all([a.sync(parts), b.sync()])).toEqual(['part of a', 'part of b']);
  return {
    a,
    b,
    [Symbol.dispose]() {
      a[Symbol.dispose]();
      b[Symbol.dispose]();
    },
  };
}

describe('a static member', () => {
  it('comes back with its part and without a rebalance, and who it was is fenced', async () => {
    await using broker = await startTestBroker();
    using group = await formGroup(broker);
    using again = await Member.connect(broker, 'b');
    expect(await again.join()).toMatchObject({ errorCode: 0, generationId: group.b.generationId });
    expect(again.memberId).not.toBe(group.b.memberId);
    expect(await again.sync()).toBe('part of b');
    expect(await group.b.heartbeat()).toBe(FENCED_INSTANCE_ID);
    expect(await group.b.commit()).toBe(FENCED_INSTANCE_ID);
    expect((await group.b.join()).errorCode).toBe(FENCED_INSTANCE_ID);
    expect(await again.heartbeat()).toBe(0);
    expect(await again.commit()).toBe(0);
    expect(await group.a.heartbeat()).toBe(0);
  });

  it('finds its part again after the broker was killed', async () => {
    await using broker = await startTestBroker();
    using group = await formGroup(broker);
    await broker.restart();
    using again = await Member.connect(broker, 'b');
    expect(await again.join()).toMatchObject({ errorCode: 0, generationId: group.b.generationId });
    expect(await again.sync()).toBe('part of b');
    expect(await again.groupState()).toBe('Stable');
  });

  it('that leads need not share out again when it comes back', async () => {
    await using broker = await startTestBroker();
    using group = await formGroup(broker);
    using old = await Member.connect(broker, 'a');
    const hidden = await old.join({ version: WITHOUT_SKIP });
    expect(hidden).toMatchObject({ errorCode: 0, leader: group.a.memberId, members: [] });
    expect(await old.sync()).toBe('part of a');
    using recent = await Member.connect(broker, 'a');
    const told = await recent.join({ version: WITH_SKIP });
    expect(told).toMatchObject({ errorCode: 0, leader: told.memberId, skipAssignment: true });
    expect(told.members.map(({ groupInstanceId }) => groupInstanceId).sort()).toEqual(['a', 'b']);
    expect(await recent.sync()).toBe('part of a');
    expect(await group.b.heartbeat()).toBe(0);
  });

  it('that comes back with another subscription has its part, and the others hear of it next time', async () => {
    await using broker = await startTestBroker();
    using group = await formGroup(broker);
    using again = await Member.connect(broker, 'b');
    expect((await again.join({ metadata: 'rides and trips' })).generationId).toBe(group.b.generationId);
    expect(await again.sync()).toBe('part of b');
    expect(await group.a.heartbeat()).toBe(0);
  });

  it('that comes back without the protocol that was chosen makes the others join again', async () => {
    await using broker = await startTestBroker();
    using group = await formGroup(broker);
    using again = await Member.connect(broker, 'b');
    const joining = again.join({ protocols: ['roundrobin'] });
    await until(async () => (await group.a.heartbeat()) === REBALANCE_IN_PROGRESS);
    await group.a.join();
    expect((await joining).generationId).toBe(group.a.generationId);
    expect(group.a.generationId).toBe(group.b.generationId + 1);
  });

  it('leaves by its instance id, which others may do for it', async () => {
    await using broker = await startTestBroker();
    using group = await formGroup(broker);
    const codes = await group.a.leave([
      { memberId: 'somebody else', groupInstanceId: 'b' },
      { memberId: '', groupInstanceId: 'nobody' },
    ]);
    expect(codes).toEqual([FENCED_INSTANCE_ID, UNKNOWN_MEMBER_ID]);
    expect(await group.a.heartbeat()).toBe(0);
    expect(await group.a.leave([{ memberId: '', groupInstanceId: 'b' }])).toEqual([0]);
    expect(await group.b.heartbeat()).toBe(UNKNOWN_MEMBER_ID);
    expect(await group.a.heartbeat()).toBe(REBALANCE_IN_PROGRESS);
    expect((await group.a.join()).members).toHaveLength(1);
  });
});
