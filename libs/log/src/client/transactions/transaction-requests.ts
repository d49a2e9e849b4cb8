import assert from 'node:assert';
import { backoffMs, withJitter } from '@hailstream/service/backoff';
import { sleep } from '@hailstream/service/timers';
import { ErrorCode } from '../../protocol/error-codes.js';
import { PRODUCE } from '../../protocol/produce.js';
import type { Api } from '../../protocol/schema.js';
import {
  ADD_OFFSETS_TO_TXN,
  ADD_PARTITIONS_TO_TXN,
  END_TXN,
  INIT_PRODUCER_ID,
  TXN_OFFSET_COMMIT,
} from '../../protocol/transactions.js';
import { TopicPrefix } from '../core/connection.js';
import { LogError } from '../core/errors.js';
import { KafkajsClient } from '../kafkajs/client.js';
import { addressOf } from '../kafkajs/broker-socket.js';
import { ask, COORDINATOR_TYPES, openCluster, type KafkajsCluster } from '../kafkajs/cluster.js';
import { isRequestTimeout, isTransient, ResponseError } from '../kafkajs/errors.js';
import type { GroupOffset, TransactionalProducerOptions } from './transactional-producer.js';

const REQUEST_TIMEOUT_MS = 5_000;
const TRANSACTION_TIMEOUT_MS = 60_000;
const ACKS_FROM_ALL_IN_SYNC = -1;
const MAX_ATTEMPTS = 9;
const RETRY_BACKOFF = { firstMs: 20, maxMs: 1_000 };

/** A partition, and the batch that is appended to it. */
export interface EncodedBatch {
  readonly partition: number;
  readonly batch: Buffer;
}

/** A producer id and its epoch. */
interface ProducerIdentity {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

/** The requests of one transactional producer. All throw errors of kafkajs, ResponseError or LogError. */
export class TransactionRequests implements Disposable {
  producer: ProducerIdentity = { producerId: -1n, producerEpoch: -1 };
  private readonly client: KafkajsClient;
  private readonly cluster: KafkajsCluster;
  private readonly prefix: TopicPrefix;
  private readonly transactionalId: string;
  /** Nodes by type and id. */
  private readonly coordinators = new Map<string, number>();
  private isClosed = false;

  constructor(private readonly options: TransactionalProducerOptions) {
    const { connection, logger, transactionalId } = options;
    this.client = new KafkajsClient({ connection, logger, requestTimeoutMs: REQUEST_TIMEOUT_MS });
    this.cluster = openCluster(this.client.kafka);
    this.prefix = new TopicPrefix(connection.topicPrefix);
    this.transactionalId = this.prefix.add(transactionalId);
  }

  /** Fences all other producers with the same id, and ends their transaction. */
  async init(): Promise<void> {
    const { transactionTimeoutMs = TRANSACTION_TIMEOUT_MS } = this.options;
    await this.cluster.connect();
    const { producerId, producerEpoch } = await this.askCoordinator(
      { type: 'transaction', id: this.transactionalId },
      INIT_PRODUCER_ID,
      { transactionalId: this.transactionalId, transactionTimeoutMs, producerId: -1n, producerEpoch: -1 },
      ({ errorCode }) => errorCode,
    );
    this.producer = { producerId, producerEpoch };
  }

  /** The node that leads each partition of a topic. */
  async leaders(topic: string): Promise<readonly number[]> {
    const inCluster = this.prefix.add(topic);
    await this.cluster.addMultipleTargetTopics([inCluster]);
    const leaders: number[] = [];
    for (const { partitionId, leader } of this.cluster.findTopicPartitionMetadata(inCluster))
      leaders[partitionId] = leader;
    return leaders;
  }

  /** Updates the leaders of partitions and the addresses of brokers. */
  async refresh(): Promise<void> {
    await this.cluster.refreshMetadata();
  }

  async addPartitions(topic: string, partitions: readonly number[]): Promise<void> {
    const topics = [{ name: this.prefix.add(topic), partitions: [...partitions] }];
    await this.askCoordinator(
      { type: 'transaction', id: this.transactionalId },
      ADD_PARTITIONS_TO_TXN,
      { transactionalId: this.transactionalId, ...this.producer, topics },
      ({ resultsByTopic }) =>
        worst(
          resultsByTopic.flatMap(({ resultsByPartition }) =>
            resultsByPartition.map(({ partitionErrorCode }) => partitionErrorCode),
          ),
        ),
    );
  }

  /** Appends batches to partitions that one node leads. They must not change meanwhile. */
  async produce(leader: number, topic: string, batches: readonly EncodedBatch[]): Promise<void> {
    const { topics } = await this.ask(leader, PRODUCE, {
      transactionalId: this.transactionalId,
      acks: ACKS_FROM_ALL_IN_SYNC,
      timeoutMs: REQUEST_TIMEOUT_MS,
      topics: [
        {
          name: this.prefix.add(topic),
          partitions: batches.map(({ partition, batch }) => ({ index: partition, records: [batch] })),
        },
      ],
    });
    const answers = topics.flatMap(({ partitions }) => partitions);
    for (const { errorCode, errorMessage } of answers) {
      // The broker has the batch.
      if (errorCode !== ErrorCode.DUPLICATE_SEQUENCE_NUMBER) check(errorCode, errorMessage);
    }
    if (answers.length < batches.length)
      throw new LogError('UNAVAILABLE', 'the broker answered for some of the partitions only', true);
  }

  /** Appends batches again of which some may have been appended, each to the node that leads its partition now. */
  async produceAgain(topic: string, batches: readonly EncodedBatch[]): Promise<void> {
    for (const batch of batches) {
      await this.repeat(PRODUCE.name, async () => {
        const leader = (await this.leaders(topic))[batch.partition];
        assert.ok(leader !== undefined);
        await this.produce(leader, topic, [batch]);
      });
    }
  }

  async commitOffset({ groupId, topic, partition, offset }: GroupOffset): Promise<void> {
    const group = this.prefix.add(groupId);
    const request = { transactionalId: this.transactionalId, ...this.producer, groupId: group };
    const transaction = { type: 'transaction', id: this.transactionalId } as const;
    await this.askCoordinator(transaction, ADD_OFFSETS_TO_TXN, request, ({ errorCode }) => errorCode);
    const committed = {
      partitionIndex: partition,
      committedOffset: offset,
      committedLeaderEpoch: -1,
      committedMetadata: '',
    };
    await this.askCoordinator(
      { type: 'group', id: group },
      TXN_OFFSET_COMMIT,
      {
        ...request,
        generationId: -1,
        memberId: '',
        groupInstanceId: null,
        topics: [{ name: this.prefix.add(topic), partitions: [committed] }],
      },
      ({ topics }) => worst(topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode))),
    );
  }

  /** Commits the transaction. */
  async end(): Promise<void> {
    const transaction = { type: 'transaction', id: this.transactionalId } as const;
    const request = { transactionalId: this.transactionalId, ...this.producer, committed: true };
    await this.askCoordinator(transaction, END_TXN, request, ({ errorCode }) => errorCode);
  }

  [Symbol.dispose](): void {
    this.isClosed = true;
    this.client.kill();
  }

  private askCoordinator<Q, A extends { readonly throttleTimeMs: number }>(
    of: { readonly type: keyof typeof COORDINATOR_TYPES; readonly id: string },
    api: Api<Q, A>,
    question: Q,
    errorCodeOf: (answer: A) => number,
  ): Promise<A> {
    return this.repeat(api.name, async () => {
      const answer = await this.ask(await this.coordinator(of), api, question);
      check(errorCodeOf(answer), null);
      return answer;
    });
  }

  /** Repeats a request while its error is transient. */
  private async repeat<T>(name: string, request: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        if (attempt > 1) await this.reconnect();
        return await request();
      } catch (error) {
        if (this.isClosed || !isTransient(error) || attempt >= MAX_ATTEMPTS) throw error;
        this.options.logger.debug({ err: error, request: name, attempt }, 'request failed, will retry');
        await sleep(withJitter(backoffMs(attempt - 1, RETRY_BACKOFF)));
      }
    }
  }

  private async reconnect(): Promise<void> {
    this.coordinators.clear();
    await this.cluster.connect();
    await this.cluster.refreshMetadata();
  }

  private async ask<Q, A extends { readonly throttleTimeMs: number }>(
    nodeId: number,
    api: Api<Q, A>,
    question: Q,
  ): Promise<A> {
    const broker = await this.cluster.findBroker({ nodeId });
    try {
      return await ask(broker, api, question);
    } catch (error) {
      // kafkajs would keep using the connection on which a request timed out.
      if (isRequestTimeout(error)) this.client.dropSockets(addressOf(broker.connectionPool));
      throw error;
    }
  }

  private async coordinator({
    type,
    id,
  }: {
    readonly type: keyof typeof COORDINATOR_TYPES;
    readonly id: string;
  }): Promise<number> {
    const name = `${type} ${id}`;
    const known = this.coordinators.get(name);
    if (known !== undefined) return known;
    const coordinatorType = COORDINATOR_TYPES[type];
    const { nodeId } = await this.cluster.findGroupCoordinator({ groupId: id, coordinatorType });
    this.coordinators.set(name, nodeId);
    return nodeId;
  }
}

/** The first error that is not OPERATION_NOT_ATTEMPTED, which others cause. */
function worst(errorCodes: readonly number[]): number {
  const failed = errorCodes.filter((code) => code !== ErrorCode.NONE);
  return failed.find((code) => code !== ErrorCode.OPERATION_NOT_ATTEMPTED) ?? failed[0] ?? ErrorCode.NONE;
}

function check(errorCode: number, message: string | null): void {
  if (errorCode === ErrorCode.NONE) return;
  throw new ResponseError(errorCode, message);
}
