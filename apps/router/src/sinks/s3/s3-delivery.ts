import {
  createBatchConsumer,
  createDeadLetterQueue,
  createRangeReader,
  type Admin,
  type BatchConsumer,
  type LogConnection,
  type LogRecord,
  type RangeReader,
  type DeadLetterQueue,
  type TopicPartition,
} from '@hailstream/log';
import { deadLetterTopic, eventRegistry } from '@hailstream/events';
import { encodeFiles, type Encode } from '@hailstream/parquet';
import type { Logger } from '@hailstream/service/logging';
import type { Erasures } from '../../erasures/erasures.js';
import type { Delivery, DeliveryObserver } from '../delivery.js';
import type { JobOf } from '../../router-file/router-file.js';
import type { S3SinkSpec } from '../../router-file/sink-specs.js';
import { eventTimeOf } from '../event.js';
import { BlockDelivery } from './block-delivery.js';
import { BlockStore } from './block-store.js';
import { ndjsonGzip } from './formats/ndjson.js';
import { parquetFormatOf } from './formats/parquet-format.js';
import { eraseObjects, type ErasedObjects } from './erase-objects.js';
import { ObjectStore } from './object-store.js';
import { verifyObjects, type Verification } from './verify.js';

interface S3DeliveryOptions {
  readonly spec: JobOf<'s3'>;
  readonly groupId: string;
  readonly connection: LogConnection;
  readonly admin: Admin;
  readonly logger: Logger;
  readonly observer: DeliveryObserver;
  readonly erasures: Erasures;
  /** Encodes Parquet files. @default on this thread */
  readonly encode?: Encode;
  readonly until?: (partition: TopicPartition) => bigint | undefined;
}

/** Delivers a job's topics to object storage. */
export class S3Delivery implements Delivery {
  private readonly objectStore: ObjectStore;
  private readonly consumer: BatchConsumer;
  private readonly reader: RangeReader;
  private readonly deadLetters: DeadLetterQueue;
  private readonly blocks: BlockDelivery;

  constructor(private readonly options: S3DeliveryOptions) {
    const { spec, groupId, connection, admin, logger, observer, until, encode = encodeFiles } = options;
    const { erasures } = options;
    const { sink, concurrency } = spec;
    this.objectStore = openObjectStore(sink);
    this.consumer = createBatchConsumer({
      connection,
      logger,
      groupId,
      topics: spec.topics,
      offsets: { kind: 'committed', startAt: 'earliest', commit: 'manual' },
      handler: () => Promise.reject(new Error('the consumer is paused, records are read in blocks')),
      onGap: (gap) => observer.gap(gap),
    });
    this.reader = createRangeReader({ connection, logger });
    this.deadLetters = createDeadLetterQueue({ connection, logger, topic: deadLetterTopic.name });
    this.blocks = new BlockDelivery({
      groupId,
      ...blockSettings(spec, encode),
      concurrency,
      consumer: this.consumer,
      reader: this.reader,
      admin,
      deadLetters: this.deadLetters,
      store: new BlockStore(this.objectStore, sink.prefix),
      logger,
      observer,
      isErased: (topic, event) => eventRegistry.byTopic.has(topic) && erasures.cover(event),
      ...(until && { until }),
    });
  }

  get ended(): Promise<void> {
    return this.consumer.ended;
  }

  get assignedPartitions(): number {
    return this.consumer.assignment().length;
  }

  async start(): Promise<void> {
    await this.options.erasures.ready();
    await this.objectStore.check();
    await this.consumer.start();
  }

  pause(): void {
    this.blocks.pause();
  }

  resume(): void {
    this.blocks.resume();
  }

  lagRecords(): bigint {
    return this.consumer.lagRecords();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.blocks.stop();
    await this.consumer[Symbol.asyncDispose]();
    await this.reader[Symbol.asyncDispose]();
    await this.deadLetters[Symbol.asyncDispose]();
    this.objectStore[Symbol.dispose]();
  }
}

type S3Job = S3DeliveryOptions['spec'];

/** Settings that determine the objects of a job. */
function blockSettings({ sink, batching, matches }: S3Job, encode: Encode) {
  return {
    prefix: sink.prefix,
    limits: {
      records: batching.records,
      sizeBytes: batching.sizeBytes,
      intervalMs: batching.intervalSeconds * 1_000,
    },
    formatOf: (topic: string) => (sink.format === 'parquet' ? parquetFormatOf(topic, encode) : ndjsonGzip),
    timeOf: sink.partitionBy === 'received-time' ? receivedTime : eventTimeOf,
    matches,
  };
}

/** Compares the objects of a job with the log. */
export async function verifyS3Job(options: {
  readonly spec: S3Job;
  readonly groupId: string;
  readonly admin: Admin;
  readonly reader: RangeReader;
  readonly signal: AbortSignal;
}): Promise<Verification> {
  const { spec, ...rest } = options;
  using store = openObjectStore(spec.sink);
  const blocks = new BlockStore(store, spec.sink.prefix);
  return verifyObjects({ ...rest, ...blockSettings(spec, encodeFiles), topics: spec.topics, store, blocks });
}

/** Erases records from the objects of a job. */
export async function eraseS3Job(options: {
  readonly spec: S3Job;
  readonly groupId: string;
  readonly admin: Admin;
  readonly erasures: Erasures;
  readonly isDryRun: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (objects: ErasedObjects) => void;
}): Promise<ErasedObjects> {
  const { spec, ...rest } = options;
  using store = openObjectStore(spec.sink);
  await store.check();
  const blocks = new BlockStore(store, spec.sink.prefix);
  return eraseObjects({ ...rest, ...blockSettings(spec, encodeFiles), topics: spec.topics, store, blocks });
}

/** The bucket of a sink. */
function openObjectStore(sink: S3SinkSpec): ObjectStore {
  const {
    bucket,
    region,
    endpoint,
    forcePathStyle,
    partBytes,
    storageClass,
    serverSideEncryption,
    kmsKeyId,
  } = sink;
  return new ObjectStore({
    bucket,
    region,
    forcePathStyle,
    partBytes,
    ...(endpoint !== undefined && { endpoint }),
    ...(storageClass !== undefined && { storageClass }),
    ...(serverSideEncryption !== undefined && { serverSideEncryption }),
    ...(kmsKeyId !== undefined && { kmsKeyId }),
  });
}

function receivedTime(_: string, __: unknown, { timestampMs }: LogRecord): number {
  return timestampMs;
}
