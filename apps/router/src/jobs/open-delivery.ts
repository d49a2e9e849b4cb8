import type { Admin, LogConnection, TopicPartition } from '@hailstream/log';
import type { Logger } from '@hailstream/service/logging';
import type { Erasures } from '../erasures/erasures.js';
import { isJobOf, type JobSpec } from '../router-file/router-file.js';
import type { SinkCredentials } from '../sinks/credentials.js';
import { GroupDelivery } from '../sinks/group-delivery.js';
import { KafkaSink } from '../sinks/kafka/kafka-sink.js';
import type { Delivery, DeliveryObserver } from '../sinks/delivery.js';
import { ParallelDelivery } from '../sinks/parallel-delivery.js';
import { OpenSearchSink } from '../sinks/opensearch/opensearch-sink.js';
import type { Encode } from '@hailstream/parquet';
import { S3Delivery } from '../sinks/s3/s3-delivery.js';
import { Semaphore } from '../sinks/semaphore.js';
import { StreamDelivery } from '../sinks/stream-delivery.js';
import { WebhookSink } from '../sinks/webhook/webhook-sink.js';

interface DeliveryContext {
  readonly connection: LogConnection;
  readonly credentials: SinkCredentials;
  readonly admin: Admin;
  readonly logger: Logger;
  readonly observer: DeliveryObserver;
  readonly erasures: Erasures;
  /** Encodes Parquet files. @default on the thread of the caller */
  readonly encode?: Encode;
  /** End offset of the delivery of blocks. @default no end */
  readonly until?: (partition: TopicPartition) => bigint | undefined;
}

/** Members of a job's consumer group in one process: while one waits for its last partition, the other reads and delivers. */
const MAX_CONSUMERS = 2;

/** The consumer group of a job. */
export function groupOf({ name }: Pick<JobSpec, 'name'>): string {
  return `router-${name}`;
}

/** Creates the delivery to the sink of a job. The caller starts it. */
export function openDelivery(spec: JobSpec, context: DeliveryContext): Delivery {
  const groupId = groupOf(spec);
  if (isJobOf(spec, 's3')) return new S3Delivery({ ...context, spec, groupId });
  const semaphore = new Semaphore(spec.concurrency);
  const options = { ...context, groupId, semaphore };
  return new ParallelDelivery(Math.min(spec.concurrency, MAX_CONSUMERS), () => {
    if (isJobOf(spec, 'opensearch'))
      return new StreamDelivery({ ...options, spec }, new OpenSearchSink(spec, context));
    if (isJobOf(spec, 'kafka'))
      return new GroupDelivery({ ...options, spec }, new KafkaSink({ ...context, spec, groupId }));
    if (isJobOf(spec, 'webhook'))
      return new StreamDelivery({ ...options, spec }, new WebhookSink(spec, context.credentials));
    return spec satisfies never;
  });
}
