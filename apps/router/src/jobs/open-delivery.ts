import type { Admin, LogConnection, TopicPartition } from '@hailstream/log';
import type { Logger } from '@hailstream/service/logging';
import type { JobSpec } from '../router-file/router-file.js';
import { S3Delivery } from '../sinks/s3/s3-delivery.js';
import type { Delivery, DeliveryObserver } from '../sinks/delivery.js';

interface DeliveryContext {
  readonly connection: LogConnection;
  readonly admin: Admin;
  readonly logger: Logger;
  readonly observer: DeliveryObserver;
  /** Where delivery ends. @default it does not end */
  readonly until?: (partition: TopicPartition) => bigint | undefined;
}

/** The consumer group of a job. */
export function groupOf({ name }: Pick<JobSpec, 'name'>): string {
  return `router-${name}`;
}

/** Opens the delivery to the sink of a job; it is started by the caller. */
export function openDelivery(spec: JobSpec, context: DeliveryContext): Delivery {
  return new S3Delivery({ ...context, spec, groupId: groupOf(spec) });
}
