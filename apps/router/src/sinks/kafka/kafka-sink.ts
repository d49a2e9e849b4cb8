import { erasureTopic, eventRegistry, personalIdFields, type ErasureRecord } from '@hailstream/events';
import {
  createProducer,
  LogError,
  partitionName,
  type Admin,
  type BatchContext,
  type ConsumerPosition,
  type LogConnection,
  type LogRecord,
  type RecordBatch,
  type TopicPartition,
} from '@hailstream/log';
import type { Logger } from '@hailstream/service/logging';
import { subscribedTopics, type JobOf } from '../../router-file/router-file.js';
import type { RefusedRecord } from '../batch-sink.js';
import type { SinkCredentials } from '../credentials.js';
import type { DeliveryCounts } from '../delivery.js';
import { parseEvent } from '../event.js';
import type { ErasureBatch, GroupSink } from '../group-delivery.js';
import { PartitionMirror, type MirroredCounts } from './partition-mirror.js';
import { TargetCluster } from './target-cluster.js';

/** Much shorter than `offsets.retention.minutes` of a cluster, which is a week by default. */
const REFRESH_MS = 3_600_000;

interface KafkaSinkOptions {
  readonly spec: JobOf<'kafka'>;
  readonly groupId: string;
  readonly connection: LogConnection;
  readonly credentials: SinkCredentials;
  readonly admin: Admin;
  readonly logger: Logger;
  /** How often the positions in the target are committed again, so that they do not expire. @default 3_600_000 */
  readonly refreshMs?: number;
}

/**
 * Copies a job's topics to another cluster, each record once. Reading starts at the group's offsets in the source;
 * the positions in the target decide which of the records are copied.
 */
export class KafkaSink implements GroupSink {
  private readonly target: TargetCluster;
  private readonly mirrors = new Map<string, PartitionMirror>();
  private readonly refreshTimer: NodeJS.Timeout;
  private partitions: readonly TopicPartition[] = [];
  /** Whether erasures are copied: they are not if the target is the cluster that has them. */
  private copiesErasures = true;

  constructor(private readonly options: KafkaSinkOptions) {
    const { spec, connection, credentials, admin, logger, refreshMs = REFRESH_MS } = options;
    const { targetKafka } = credentials;
    this.target = new TargetCluster({
      sink: spec.sink,
      ...(targetKafka && { security: targetKafka }),
      connection,
      admin,
      logger,
    });
    this.refreshTimer = setInterval(() => void this.refresh(), refreshMs);
  }

  async check(): Promise<void> {
    const { spec } = this.options;
    const topics = subscribedTopics(spec);
    this.copiesErasures =
      spec.topics.includes(erasureTopic.name) ||
      !topics.includes(erasureTopic.name) ||
      !(await this.target.isSource(erasureTopic.name));
    for (const topic of topics) {
      if (topic !== erasureTopic.name || this.copiesErasures) await this.target.prepare(topic);
    }
  }

  async deliver(batch: RecordBatch, context: BatchContext): Promise<DeliveryCounts> {
    const { selected, unreadable } = this.select(batch.records);
    for (const { record, reason } of unreadable) await context.deadLetter(record, reason);
    const from = batch.records[0]?.offset ?? batch.nextOffset;
    const copied = await this.copy(selected, { from, to: batch.nextOffset }, { batch, context });
    const { appended, returned, tooLarge } = copied;
    const known = selected.length - appended - returned - tooLarge;
    return {
      records: batch.records.length - known,
      delivered: appended,
      filtered: batch.records.length - selected.length - unreadable.length + returned,
      deadLettered: unreadable.length + tooLarge,
    };
  }

  /** Consumers of the target learn of erasures as those of the source do. A compacted topic keeps no record of a key that is an erased id. */
  async erase(batch: ErasureBatch, context: BatchContext): Promise<void> {
    await this.appendTombstones(batch.erasures);
    if (!this.copiesErasures) return;
    const from = batch.records[0]?.offset ?? batch.nextOffset;
    await this.copy(batch.records, { from, to: batch.nextOffset }, { batch, context });
  }

  async skip(position: ConsumerPosition): Promise<void> {
    if (position.topic === erasureTopic.name && !this.copiesErasures) return;
    const { nextOffset } = position;
    await this.mirror(position).append([], { from: nextOffset, to: nextOffset });
  }

  /** Another process may copy the partitions meanwhile. */
  assigned(partitions: readonly TopicPartition[]): void {
    for (const mirror of this.mirrors.values()) mirror[Symbol.dispose]();
    this.mirrors.clear();
    this.partitions = partitions;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.refreshTimer);
    this.assigned([]);
    await this.target[Symbol.asyncDispose]();
  }

  /** Commits the positions of the assigned partitions again: a partition may have no records for weeks. */
  private async refresh(): Promise<void> {
    const { partitions } = this;
    for (const partition of partitions) {
      if (partition.topic === erasureTopic.name && !this.copiesErasures) continue;
      try {
        await this.mirror(partition).refresh();
      } catch (error) {
        if (partitions === this.partitions)
          this.options.logger.warn(
            { ...partition, err: error },
            'position not refreshed in the target, will retry',
          );
      }
      if (partitions !== this.partitions) return;
    }
  }

  private async appendTombstones(erasures: readonly ErasureRecord[]): Promise<void> {
    const { spec, logger } = this.options;
    for (const topic of spec.topics) {
      const field = eventRegistry.byTopic.get(topic)?.fields.key;
      const keys = erasures.filter(
        ({ kind }) => field !== undefined && personalIdFields[kind].includes(field),
      );
      if (keys.length === 0 || !(await this.target.isCompacted(topic))) continue;
      await using producer = createProducer({ connection: this.target.connection, logger });
      const name = this.target.topicFor(topic);
      const results = await producer.send(keys.map(({ id }) => ({ topic: name, key: id, value: null })));
      for (const result of results) if (result.kind === 'failed') throw result.error;
    }
  }

  /** Without a filter all records are copied: their values need not be events. */
  private select(records: readonly LogRecord[]): {
    readonly selected: readonly LogRecord[];
    readonly unreadable: readonly RefusedRecord[];
  } {
    const { spec } = this.options;
    if (spec.filter === undefined) return { selected: records, unreadable: [] };
    const selected: LogRecord[] = [];
    const unreadable: RefusedRecord[] = [];
    for (const record of records) {
      try {
        if (spec.matches(parseEvent(record.value))) selected.push(record);
      } catch (reason) {
        unreadable.push({ record, reason: reason as Error });
      }
    }
    return { selected, unreadable };
  }

  /** Copies records in one transaction; those of a batch that has a too large one in several, until that one is found. */
  private async copy(
    records: readonly LogRecord[],
    { from, to }: { readonly from: bigint; readonly to: bigint },
    whole: { readonly batch: TopicPartition; readonly context: BatchContext },
  ): Promise<MirroredCounts & { readonly tooLarge: number }> {
    const mirror = this.mirror(whole.batch);
    try {
      return { ...(await mirror.append(records, { from, to })), tooLarge: 0 };
    } catch (error) {
      const [first] = records;
      if (!(error instanceof LogError) || error.code !== 'RECORD_TOO_LARGE' || !first) throw error;
      const middle = records[Math.ceil(records.length / 2)];
      if (middle) {
        const cut = records.indexOf(middle);
        const before = await this.copy(records.slice(0, cut), { from, to: middle.offset }, whole);
        const after = await this.copy(records.slice(cut), { from: middle.offset, to }, whole);
        return {
          appended: before.appended + after.appended,
          returned: before.returned + after.returned,
          tooLarge: before.tooLarge + after.tooLarge,
        };
      }
      await whole.context.deadLetter(first, error);
      await mirror.append([], { from, to });
      return { appended: 0, returned: 0, tooLarge: 1 };
    }
  }

  private mirror({ topic, partition }: TopicPartition): PartitionMirror {
    const name = partitionName(topic, partition);
    const known = this.mirrors.get(name);
    if (known) return known;
    const { groupId, admin, logger } = this.options;
    const { target } = this;
    const place = { topic, partition };
    const mirror = new PartitionMirror({ partition: place, groupId, admin, target, logger });
    this.mirrors.set(name, mirror);
    return mirror;
  }
}
