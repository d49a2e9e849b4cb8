import { randomUUID } from 'node:crypto';
import { until } from '@hailstream/service/testing';
import { RawClient } from '../broker/raw-client.js';
import { Api, named, only, type Named } from './apis.js';
import { GroupUnderTest } from './group-under-test.js';
import { TopicUnderTest } from './topic-under-test.js';

interface Metadata {
  readonly controllerId: number;
  readonly clusterId: string | null;
  readonly brokers: readonly { nodeId: number; host: string; port: number; rack: string | null }[];
  readonly topics: readonly {
    readonly errorCode: number;
    readonly name: string | null;
    readonly topicId: string;
    readonly isInternal: boolean;
    readonly partitions: readonly {
      readonly errorCode: number;
      readonly partitionIndex: number;
      readonly leaderId: number;
      readonly leaderEpoch: number;
      readonly replicaNodes: number[];
      readonly isrNodes: number[];
    }[];
  }[];
}

export interface NewTopic {
  readonly name?: string;
  readonly numPartitions?: number;
  readonly replicationFactor?: number;
  readonly assignments?: readonly { partitionIndex: number; brokerIds: number[] }[];
  readonly configs?: Readonly<Record<string, string | null>>;
}

interface CreatedTopic {
  readonly name: string;
  readonly topicId: string;
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly numPartitions: number;
  readonly replicationFactor: number;
  readonly configs: readonly { name: string; value: string | null; configSource: number }[] | null;
}

const TIMEOUT_MS = 30_000;

/** The log that a scenario runs on, accessed only through the addresses of its brokers. */
export class LogUnderTest implements Disposable {
  private readonly clients: RawClient[] = [];

  constructor(readonly addresses: readonly string[]) {}

  /** A name that is not in use. */
  name(): string {
    return `scenario-${randomUUID()}`;
  }

  /** A new connection, by default to the first broker. It is closed at the end of the scenario. */
  async connect(address = this.addresses[0] as string): Promise<RawClient> {
    const colon = address.lastIndexOf(':');
    const client = await RawClient.connect(Number(address.slice(colon + 1)), address.slice(0, colon));
    this.clients.push(client);
    return client;
  }

  /** Sends a request to the first broker on a new connection. */
  async ask<T>(apiKey: number | undefined, version: number, body: object): Promise<T> {
    const client = await this.connect();
    return client.call<T>(apiKey as number, version, body);
  }

  async metadata(names: readonly string[] | null, fields: object = {}, version = 12): Promise<Metadata> {
    return this.ask(Api.Metadata, version, {
      topics: names?.map((name) => ({ name, topicId: '0'.repeat(32) })) ?? null,
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
      ...fields,
    });
  }

  /** The response of CreateTopics. */
  async create(
    topics: readonly NewTopic[],
    { version = 7, validateOnly = false }: { version?: number; validateOnly?: boolean } = {},
  ): Promise<Named<CreatedTopic>[]> {
    const answer = await this.ask<{ topics: CreatedTopic[] }>(Api.CreateTopics, version, {
      topics: topics.map((topic) => ({
        name: topic.name ?? this.name(),
        numPartitions: topic.numPartitions ?? (topic.assignments ? -1 : 1),
        replicationFactor: topic.replicationFactor ?? -1,
        assignments: topic.assignments ?? [],
        configs: Object.entries(topic.configs ?? {}).map(([name, value]) => ({ name, value })),
      })),
      timeoutMs: TIMEOUT_MS,
      validateOnly,
    });
    return answer.topics.map(named);
  }

  /** Creates a topic and waits until it can be written and read. */
  async topic(wanted: NewTopic = {}): Promise<TopicUnderTest> {
    const { error, errorMessage, name } = only(await this.create([wanted]));
    if (error !== 'NONE') throw new Error(`CreateTopics failed: ${error}, ${errorMessage}`);
    return this.existingTopic(name);
  }

  /** Waits until a topic that was created elsewhere can be written and read. */
  async existingTopic(name: string): Promise<TopicUnderTest> {
    const leaders: RawClient[] = [];
    let topic: TopicUnderTest | undefined;
    await until(async () => {
      const { brokers, topics } = await this.metadata([name]);
      const { errorCode, partitions } = only(topics);
      if (errorCode !== 0 || partitions.some((partition) => partition.errorCode !== 0)) return false;
      const byId = new Map(brokers.map(({ nodeId, host, port }) => [nodeId, `${host}:${port}`]));
      for (const { partitionIndex, leaderId } of partitions) {
        leaders[partitionIndex] ??= await this.connect(byId.get(leaderId));
      }
      topic = new TopicUnderTest(name, leaders);
      for (const index of leaders.keys()) {
        if ((await topic.offsetAt(-1n, { partition: index })).error !== 'NONE') return false;
      }
      return true;
    });
    return topic as TopicUnderTest;
  }

  /** A group with an unused name. */
  async group(name = this.name()): Promise<GroupUnderTest> {
    let address = '';
    await until(async () => {
      const found = await this.ask<{ errorCode: number; host: string; port: number }>(
        Api.FindCoordinator,
        2,
        { key: name, keyType: 0 },
      );
      address = `${found.host}:${found.port}`;
      return found.errorCode === 0;
    });
    const group = new GroupUnderTest(name, () => this.connect(address));
    // A new coordinator first loads its partition.
    await until(async () => (await group.describe()).error === 'NONE');
    return group;
  }

  [Symbol.dispose](): void {
    for (const client of this.clients) client[Symbol.dispose]();
  }
}
