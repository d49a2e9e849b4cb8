import { sleep } from '@hailstream/service/timers';
import type { ICustomPartitioner, Message, Producer as Kafkajs, Transaction } from 'kafkajs';
import { partitionName } from '../../protocol/topic-partition.js';
import { TopicPrefix } from '../core/connection.js';
import { LogError } from '../core/errors.js';
import { KafkajsClient } from '../kafkajs/client.js';
import { codecOf } from '../kafkajs/codecs.js';
import { isFenced, toLogError } from '../kafkajs/errors.js';
import { ProduceMessage, ProduceMessages } from '../kafkajs/produce.js';
import { partitionForKey, StickyPartitioner } from '../producer/partitioner.js';
import { contentBytes, invalidReason, toContent } from '../producer/record-content.js';
import type { OutgoingRecord } from '../record/record.js';
import type {
  GroupOffset,
  TransactionalProducer,
  TransactionalProducerOptions,
} from './transactional-producer.js';

const REQUEST_TIMEOUT_MS = 5_000;
const TRANSACTION_TIMEOUT_MS = 60_000;
const TIMEOUT_MS = 30_000;
/** Bytes of keys, values and headers of one request: less than brokers accept by default, 1 MiB. */
const REQUEST_BYTES = 512 * 1024;
const ACKS_FROM_ALL_IN_SYNC = -1;
/** The coordinator rejects requests until the transaction before is complete, usually within milliseconds. */
const RETRY = { retries: 8, initialRetryTime: 20, maxRetryTime: 1_000 };

/**
 * Opens a producer, which fences all others with the same transactional id and ends their transaction.
 *
 * @throws LogError retryable if the cluster is unavailable; `REFUSED` if it refuses the client or the id
 */
export async function openTransactionalProducer(
  options: TransactionalProducerOptions,
): Promise<TransactionalProducer> {
  const { connection, logger, transactionTimeoutMs = TRANSACTION_TIMEOUT_MS } = options;
  const client = new KafkajsClient({ connection, logger, requestTimeoutMs: REQUEST_TIMEOUT_MS });
  const producer = client.kafka.producer({
    transactionalId: new TopicPrefix(connection.topicPrefix).add(options.transactionalId),
    transactionTimeout: transactionTimeoutMs,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    retry: RETRY,
    createPartitioner: choosePartitions,
  });
  producer.on('producer.network.request_timeout', ({ payload }) => client.dropSockets(payload.broker));
  try {
    await within(options, async () => {
      await producer.connect();
      // kafkajs initializes the producer id with its first transaction. Without records it sends nothing else.
      await (await producer.transaction()).abort();
    });
  } catch (error) {
    client.kill();
    throw toTransactionError(error, `cannot open the transactional producer "${options.transactionalId}"`);
  }
  return new KafkaTransactionalProducer(options, client, producer);
}

/** {@link TransactionalProducer} over kafkajs. */
class KafkaTransactionalProducer implements TransactionalProducer {
  private readonly prefix: TopicPrefix;

  constructor(
    private readonly options: TransactionalProducerOptions,
    private readonly client: KafkajsClient,
    private readonly producer: Kafkajs,
  ) {
    this.prefix = new TopicPrefix(options.connection.topicPrefix);
  }

  async append(records: readonly OutgoingRecord[], groupOffset?: GroupOffset): Promise<void> {
    for (const record of records) {
      const reason = invalidReason(record);
      if (reason !== undefined) throw new LogError('REFUSED', reason, false);
    }
    try {
      await within(this.options, async () => {
        const transaction = await this.producer.transaction();
        for (const request of requestsOf(records)) await this.send(transaction, request);
        if (groupOffset) await this.sendOffset(transaction, groupOffset);
        await transaction.commit();
      });
    } catch (error) {
      this.client.kill();
      throw toTransactionError(error, `transaction of "${this.options.transactionalId}" failed`);
    }
  }

  [Symbol.dispose](): void {
    this.client.kill();
  }

  private async send(transaction: Transaction, messagesByTopic: MessagesByTopic): Promise<void> {
    const topicMessages = [...messagesByTopic].map(([topic, messages]) => ({
      topic: this.prefix.add(topic),
      messages: messages as unknown as Message[],
    }));
    const answers = await transaction.sendBatch({
      acks: ACKS_FROM_ALL_IN_SYNC,
      timeout: REQUEST_TIMEOUT_MS,
      compression: codecOf(this.options.compression ?? 'none'),
      topicMessages,
    });
    const appended = new Set(answers.map(({ topicName, partition }) => partitionName(topicName, partition)));
    for (const [topic, messages] of messagesByTopic) {
      const inCluster = this.prefix.add(topic);
      // kafkajs leaves out partitions that are not in its metadata, without an error.
      const missing = messages.find(({ partition }) => !appended.has(partitionName(inCluster, partition)));
      if (!missing) continue;
      const message = `the cluster has no partition ${missing.partition} of topic "${inCluster}"`;
      throw new LogError('UNAVAILABLE', message, true);
    }
  }

  private async sendOffset(
    transaction: Transaction,
    { groupId, topic, partition, offset }: GroupOffset,
  ): Promise<void> {
    await transaction.sendOffsets({
      consumerGroupId: this.prefix.add(groupId),
      topics: [{ topic: this.prefix.add(topic), partitions: [{ partition, offset: String(offset) }] }],
    });
  }
}

type MessagesByTopic = ReadonlyMap<string, ProduceMessages>;

/** Splits records into requests, in order. */
function* requestsOf(records: readonly OutgoingRecord[]): Generator<MessagesByTopic> {
  const nowMs = Date.now();
  let request = new Map<string, ProduceMessages>();
  let requestBytes = 0;
  for (const record of records) {
    const { topic, key, value, headers, timestampMs, partition } = toContent(record, nowMs);
    const sizeBytes = contentBytes({ key, value, headers });
    if (requestBytes > 0 && requestBytes + sizeBytes > REQUEST_BYTES) {
      yield request;
      request = new Map();
      requestBytes = 0;
    }
    const messages = request.get(topic) ?? new ProduceMessages();
    request.set(topic, messages);
    messages.push(new ProduceMessage(key, value, headers, timestampMs, partition));
    requestBytes += sizeBytes;
  }
  if (request.size > 0) yield request;
}

/** Sets the partition of messages that have none: by key, otherwise a random one for some records. */
function choosePartitions(): ReturnType<ICustomPartitioner> {
  const sticky = new StickyPartitioner();
  return ({ topic, partitionMetadata: { length: count }, message: given }) => {
    const message = given as unknown as ProduceMessage;
    if (message.partition < 0) {
      const { key } = message;
      message.partition =
        key === null ? sticky.choose(topic, count, contentBytes(message)) : partitionForKey(key, count);
    }
    return message.partition;
  };
}

/** kafkajs may never settle its promises. */
async function within(
  { timeoutMs = TIMEOUT_MS }: TransactionalProducerOptions,
  work: () => Promise<void>,
): Promise<void> {
  const done = new AbortController();
  const late = async (): Promise<never> => {
    await sleep(timeoutMs, done.signal);
    throw new LogError('TIMED_OUT', `not completed within ${timeoutMs} ms`, true);
  };
  try {
    await Promise.race([work(), late()]);
  } finally {
    done.abort();
  }
}

function toTransactionError(error: unknown, doing: string): LogError {
  if (!isFenced(error)) return toLogError(error, doing);
  const message = `${doing}: another producer was opened with the same id`;
  return new LogError('FENCED', message, false, { cause: error });
}
