import { erasureTopic } from '@hailstream/events';
import { createAdmin, LogError, type Admin, type LogConnection, type TopicIdentity } from '@hailstream/log';
import type { Logger } from '@hailstream/service/logging';
import type { KafkaSinkSpec } from '../../router-file/sink-specs.js';
import type { SinkCredentials } from '../credentials.js';
import { SinkError } from '../sink.errors.js';

/** Configs of a source topic that are set when its target is created. */
const COPIED_CONFIGS = ['cleanup.policy', 'max.message.bytes', 'retention.bytes', 'retention.ms'];

interface TargetClusterOptions {
  readonly sink: KafkaSinkSpec;
  /** @default no SASL, and TLS as the sink has it */
  readonly security?: SinkCredentials['targetKafka'];
  /** The source. */
  readonly connection: LogConnection;
  readonly admin: Admin;
  readonly logger: Logger;
}

/** Topics of the source, and the topics of the target cluster that receive their records. */
export class TargetCluster implements AsyncDisposable {
  readonly connection: LogConnection;
  private readonly targetAdmin: Admin;

  constructor(private readonly options: TargetClusterOptions) {
    const { sink, security, connection, logger } = options;
    this.connection = {
      brokers: sink.brokers,
      clientId: connection.clientId,
      ...security,
      ssl: sink.ssl && (security?.ssl ?? true),
    };
    this.targetAdmin = createAdmin({ connection: this.connection, logger });
  }

  /** The name of the topic that receives the records of a source topic. */
  topicFor(topic: string): string {
    const { topic: template } = this.options.sink;
    // Erasures must not be among the events of a topic with a fixed name.
    return topic === erasureTopic.name && !template.includes('{topic}')
      ? topic
      : template.replaceAll('{topic}', topic);
  }

  /** Whether a topic and its target are the same one: the target is the same cluster. */
  async isSource(topic: string): Promise<boolean> {
    const [source, target] = [await identityOf(this.options.admin, topic), await this.find(topic)];
    return source.clusterId === target?.clusterId && source.topicId === target.topicId;
  }

  /** Whether the target of a topic keeps the last record of each key. */
  async isCompacted(topic: string): Promise<boolean> {
    const configs = await this.targetAdmin.configs(this.topicFor(topic));
    return configs.get('cleanup.policy')?.includes('compact') ?? false;
  }

  /**
   * Creates the target of a topic if it is missing, and returns the ids of both.
   *
   * @throws SinkError `MISCONFIGURED` if both are the same topic
   */
  async prepare(topic: string): Promise<{ readonly source: TopicIdentity; readonly target: TopicIdentity }> {
    const source = await identityOf(this.options.admin, topic);
    const target = (await this.find(topic)) ?? (await this.create(topic));
    if (source.clusterId === target.clusterId && source.topicId === target.topicId) {
      const message = `topic "${topic}" would be copied to itself: the target is the same cluster; use another topic`;
      throw new SinkError('MISCONFIGURED', message, { retryable: false });
    }
    return { source, target };
  }

  async partitionCounts(topic: string): Promise<{ readonly source: number; readonly target: number }> {
    const source = await this.options.admin.offsets(topic);
    const target = await this.targetAdmin.offsets(this.topicFor(topic));
    return { source: source.size, target: target.size };
  }

  /** The offset that a group has committed in a partition of the target. */
  async committed(groupId: string, topic: string, partition: number): Promise<bigint | undefined> {
    return (await this.targetAdmin.committed(groupId, topic)).get(partition);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.targetAdmin[Symbol.asyncDispose]();
  }

  private async find(topic: string): Promise<TopicIdentity | undefined> {
    try {
      return await identityOf(this.targetAdmin, this.topicFor(topic));
    } catch (error) {
      if (error instanceof LogError && error.code === 'UNKNOWN_TOPIC') return undefined;
      throw error;
    }
  }

  private async create(topic: string): Promise<TopicIdentity> {
    const name = this.topicFor(topic);
    const { admin, logger } = this.options;
    const { size: partitions } = await admin.offsets(topic);
    const all = await admin.configs(topic);
    const configs = Object.fromEntries(
      COPIED_CONFIGS.flatMap((config) => {
        const value = all.get(config);
        return value === undefined ? [] : [[config, value]];
      }),
    );
    await this.targetAdmin.ensureTopics([{ name, partitions, configs }]);
    logger.info({ topic: name, partitions, configs }, 'topic created in the target cluster');
    return identityOf(this.targetAdmin, name);
  }
}

async function identityOf(admin: Admin, topic: string): Promise<TopicIdentity> {
  const identity = (await admin.identities([topic])).get(topic);
  if (identity) return identity;
  throw new SinkError('UNAVAILABLE', `topic "${topic}" is not described`, { retryable: true });
}
