import type { Logger } from 'pino';
import { ErrorCode } from '../../protocol/error-codes.js';
import { PRODUCE, type ProduceResponse } from '../../protocol/produce.js';
import type { Api } from '../../protocol/schema.js';
import { partitionName } from '../../protocol/topic-partition.js';
import { INIT_PRODUCER_ID } from '../../protocol/transactions.js';
import { TopicPrefix, type LogConnection } from '../core/connection.js';
import { LogError } from '../core/errors.js';
import { addressOf } from '../kafkajs/broker-socket.js';
import { KafkajsClient } from '../kafkajs/client.js';
import { ask, openCluster, type KafkajsBroker, type KafkajsCluster } from '../kafkajs/cluster.js';
import { isRequestTimeout, ResponseError, toLogError } from '../kafkajs/errors.js';
import type { OutgoingBatch, ProducerIdentity } from './outgoing-batch.js';
import type { TopicLeaders } from './topic-metadata.js';

const ACKS_FROM_ALL_IN_SYNC = -1;
/** Not used without transactions, but brokers check it. */
const TRANSACTION_TIMEOUT_MS = 60_000;

interface RequestTopic {
  readonly name: string;
  readonly partitions: { readonly index: number; readonly records: readonly Buffer[] }[];
}

interface ProduceSessionOptions {
  readonly connection: LogConnection;
  readonly logger: Logger;
  readonly requestTimeoutMs: number;
  readonly codec: number;
}

/**
 * One producer id with its sequence numbers, and the connections over which its batches are sent. kafkajs connects,
 * authenticates and finds the leaders; the requests are encoded, sent and decoded here.
 *
 * A partition must have at most one batch without a definite result at a time. A batch that never gets one ends the session.
 */
export class ProduceSession implements Disposable {
  private client: KafkajsClient;
  private cluster: KafkajsCluster;
  private readonly prefix: TopicPrefix;
  private producer: ProducerIdentity | undefined;
  /** The next sequence number of each partition; 0 if it has none. */
  private readonly sequences = new Map<string, number>();
  private readonly leaders = new Map<string, TopicLeaders>();
  private isStale = false;
  private isClosed = false;

  constructor(private readonly options: ProduceSessionOptions) {
    this.client = new KafkajsClient(options);
    this.cluster = openCluster(this.client.kafka);
    this.prefix = new TopicPrefix(options.connection.topicPrefix);
  }

  /**
   * Sends each batch to the leader of its partition, in one request for each leader, and sets the outcomes.
   *
   * @throws LogError or errors of kafkajs, before anything was sent
   */
  async produce(batches: readonly OutgoingBatch[]): Promise<void> {
    const producer = this.readyFor(batches) ?? (await this.prepare(batches));
    const byLeader = new Map<number, OutgoingBatch[]>();
    for (const batch of batches) {
      const leader = this.leaders.get(batch.topic)?.[batch.partition];
      if (leader === undefined) {
        batch.outcome = { kind: 'missing' };
        this.isStale = true;
        continue;
      }
      const others = byLeader.get(leader);
      if (others) others.push(batch);
      else byLeader.set(leader, [batch]);
    }
    await Promise.all([...byLeader].map(([leader, group]) => this.send(producer, leader, group)));
  }

  /** Closes the connections. */
  [Symbol.dispose](): void {
    this.isClosed = true;
    this.client.kill();
  }

  private readyFor(batches: readonly OutgoingBatch[]): ProducerIdentity | undefined {
    if (this.isStale || !batches.every(({ topic }) => this.leaders.has(topic))) return undefined;
    return this.producer;
  }

  /** Connects, and loads what is missing or out of date. */
  private async prepare(batches: readonly OutgoingBatch[]): Promise<ProducerIdentity> {
    try {
      await this.cluster.connect();
      await this.loadLeaders(new Set(batches.map(({ topic }) => topic)));
      this.producer ??= await this.initProducerId();
      return this.producer;
    } catch (error) {
      const { code, retryable } = toLogError(error, 'cannot append');
      // kafkajs loads the metadata of all topics that it was asked for, or of none if it cannot load those of one.
      if (code === 'UNKNOWN_TOPIC' || !retryable) this.forgetTopics();
      throw error;
    }
  }

  private async loadLeaders(topics: ReadonlySet<string>): Promise<void> {
    await this.cluster.addMultipleTargetTopics([...topics].map((topic) => this.prefix.add(topic)));
    if (this.isStale) {
      await this.cluster.refreshMetadata();
      this.leaders.clear();
      this.isStale = false;
    }
    for (const topic of topics) this.leaders.set(topic, this.leadersOf(topic));
  }

  private forgetTopics(): void {
    if (this.isClosed) return;
    this.client.kill();
    this.client = new KafkajsClient(this.options);
    this.cluster = openCluster(this.client.kafka);
    this.leaders.clear();
  }

  private leadersOf(topic: string): TopicLeaders {
    const leaders: number[] = [];
    for (const { partitionId, leader } of this.cluster.findTopicPartitionMetadata(this.prefix.add(topic)))
      leaders[partitionId] = leader;
    return leaders;
  }

  private async initProducerId(): Promise<ProducerIdentity> {
    const broker = await this.cluster.brokerPool.findConnectedBroker();
    const { errorCode, producerId, producerEpoch } = await this.ask(broker, INIT_PRODUCER_ID, {
      transactionalId: null,
      transactionTimeoutMs: TRANSACTION_TIMEOUT_MS,
      producerId: -1n,
      producerEpoch: -1,
    });
    if (errorCode !== ErrorCode.NONE) throw new ResponseError(errorCode);
    return { producerId, producerEpoch };
  }

  private async send(
    producer: ProducerIdentity,
    leader: number,
    batches: readonly OutgoingBatch[],
  ): Promise<void> {
    for (const batch of batches) batch.outcome = undefined;
    try {
      const broker = await this.cluster.findBroker({ nodeId: leader });
      this.options.logger.debug({ leader, batches: batches.length }, 'produce request sent');
      const { topics } = await this.ask(broker, PRODUCE, {
        transactionalId: null,
        acks: ACKS_FROM_ALL_IN_SYNC,
        timeoutMs: this.options.requestTimeoutMs,
        topics: this.toTopics(producer, batches),
      });
      this.setOutcomes(batches, topics);
    } catch (error) {
      for (const batch of batches) this.fail(batch, error);
    }
  }

  private toTopics(producer: ProducerIdentity, batches: readonly OutgoingBatch[]): RequestTopic[] {
    const topics = new Map<string, RequestTopic>();
    for (const batch of batches) {
      let topic = topics.get(batch.topic);
      if (!topic) topics.set(batch.topic, (topic = { name: this.prefix.add(batch.topic), partitions: [] }));
      const sequence = this.sequences.get(partitionName(batch.topic, batch.partition)) ?? 0;
      const bytes = batch.encode(producer, sequence, this.options.codec);
      topic.partitions.push({ index: batch.partition, records: [bytes] });
    }
    return [...topics.values()];
  }

  private setOutcomes(batches: readonly OutgoingBatch[], topics: ProduceResponse['topics']): void {
    const answers = new Map<string, ProduceResponse['topics'][number]['partitions'][number]>();
    for (const { name, partitions } of topics) {
      const topic = this.prefix.remove(name);
      for (const answer of partitions) answers.set(partitionName(topic, answer.index), answer);
    }
    for (const batch of batches) {
      const id = partitionName(batch.topic, batch.partition);
      const answer = answers.get(id);
      if (!answer) {
        this.fail(
          batch,
          new LogError('UNAVAILABLE', 'the broker answered for some of the partitions only', true),
        );
      } else if (answer.errorCode !== ErrorCode.NONE) {
        this.fail(batch, new ResponseError(answer.errorCode, answer.errorMessage));
      } else {
        batch.outcome = { kind: 'appended', baseOffset: answer.baseOffset };
        this.sequences.set(id, batch.nextSequence);
      }
    }
  }

  /** After any error but a refusal, the batch may be in the log. */
  private fail(batch: OutgoingBatch, error: unknown): void {
    batch.outcome = { kind: 'failed', error };
    if (!toLogError(error, 'cannot append').retryable) return;
    batch.isUncertain = true;
    this.isStale = true;
  }

  private async ask<Q, A extends { readonly throttleTimeMs: number }>(
    broker: KafkajsBroker,
    api: Api<Q, A>,
    question: Q,
  ): Promise<A> {
    try {
      return await ask(broker, api, question);
    } catch (error) {
      // kafkajs would keep using the connection on which a request timed out.
      if (isRequestTimeout(error)) this.client.dropSockets(addressOf(broker.connectionPool));
      throw error;
    }
  }
}
