import { randomBytes } from 'node:crypto';
import * as path from 'node:path';
import type { RateLimitedLogger } from '@hailstream/service/rate-limited-logger';
import { ErrorCode, ProtocolError } from '../../../protocol/error-codes.js';
import { partitionName } from '../../../protocol/topic-partition.js';
import { checkTopicSettings, type AlteredSettings } from '../../config/config.js';
import type { TopicSetting } from '../../config/settings/topic-settings.js';
import { inParallel, settleInParallel } from '../files/in-parallel.js';
import { PartitionLog } from '../partition/partition-log.js';
import {
  CheckpointWriter,
  CLEAN_FILE,
  CLEANER_FILE,
  GAPS_FILE,
  NO_CHECKPOINTS,
  readCheckpoints,
  RECOVERY_FILE,
  START_FILE,
  type Checkpoints,
} from '../recovery/checkpoint-files.js';
import { isInternal } from './internal-topics.js';
import { LogMaintenance } from './log-maintenance.js';
import { PartitionFolders } from './partition-folders.js';
import { SettingsInUse } from './settings-in-use.js';
import { TopicCatalog, type TopicCatalogOptions } from './topic-catalog.js';
import { checkNoTwin, checkPartitionCount, checkTopicName } from './topic-checks.js';
import { TOPICS_FILE, type StoredTopic, type UnfinishedTopic } from './topics-file.js';

/** A topic: its open partitions, and the settings that differ from those of the broker. */
export interface Topic {
  readonly name: string;
  readonly id: string;
  settings: Readonly<Record<string, string>>;
  readonly partitions: PartitionLog[];
}

interface LogStoreOptions extends TopicCatalogOptions {
  /** For messages that every append may cause. */
  readonly limitedLogger: RateLimitedLogger;
  readonly now: () => number;
}

/** All topics of the broker. */
export class LogStore {
  /** Background work on the logs. */
  readonly maintenance: LogMaintenance;
  /** What the start found in the data directory. */
  readonly recovered = { closedCleanly: false, cut: 0 };
  private readonly topics = new Map<string, Topic>();
  private readonly settings: SettingsInUse;
  private readonly folders: PartitionFolders;
  private readonly checkpoints: CheckpointWriter;
  private readonly catalog: TopicCatalog;

  private constructor(private readonly options: LogStoreOptions) {
    this.settings = new SettingsInUse(options.config);
    this.folders = new PartitionFolders(options);
    this.checkpoints = new CheckpointWriter(options, () => this.all());
    this.catalog = new TopicCatalog(options, this.checkpoints, () => this.stored());
    this.maintenance = new LogMaintenance(this, options.config, options.logger);
  }

  /** Opens every partition, several at a time. */
  static async open(options: LogStoreOptions): Promise<LogStore> {
    const store = new LogStore(options);
    await store.load();
    store.maintenance.start();
    return store;
  }

  get clusterId(): string {
    return this.catalog.clusterId;
  }

  get dataDir(): string {
    return this.options.dataDir;
  }

  all(): Topic[] {
    return [...this.topics.values()];
  }

  topic(name: string): Topic | undefined {
    return this.topics.get(name);
  }

  topicById(id: string): Topic | undefined {
    return this.all().find((topic) => topic.id === id);
  }

  /** @throws ProtocolError `UNKNOWN_TOPIC_OR_PARTITION` */
  partition(name: string, index: number): PartitionLog {
    const log = this.topics.get(name)?.partitions[index];
    if (log === undefined) {
      throw new ProtocolError(
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        `Partition ${partitionName(name, index)} does not exist.`,
      );
    }
    return log;
  }

  /** The value of a setting for a topic, as text. */
  setting(topic: Topic, name: TopicSetting): string {
    return this.settings.text(topic, name);
  }

  /** Size of the volume with the data directory. */
  async volume(): Promise<{ totalBytes: bigint; usableBytes: bigint }> {
    return this.options.files.volume(this.options.dataDir);
  }

  /** @throws ProtocolError if the name, the number of partitions or a setting is invalid, or the topic exists */
  async create(name: string, partitions: number, settings: Readonly<Record<string, string>>): Promise<Topic> {
    return this.catalog.change(async () => {
      this.checkNew(name, partitions, settings);
      const topic: Topic = { name, id: randomBytes(16).toString('hex'), settings, partitions: [] };
      await this.addPartitions(topic, partitions, [...this.stored(), { ...storedOf(topic), partitions }]);
      this.topics.set(name, topic);
      return topic;
    });
  }

  /** Makes the checks of `create`. @throws ProtocolError if `create` does */
  checkNew(name: string, partitions: number, settings: Readonly<Record<string, string>>): void {
    checkTopicName(name);
    if (this.topics.has(name)) {
      throw new ProtocolError(ErrorCode.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`);
    }
    checkNoTwin(name, this.topics.keys());
    checkPartitionCount(partitions);
    checkTopicSettings(settings);
    if (!isInternal(name)) this.checkRoom(partitions);
  }

  /** @throws ProtocolError `POLICY_VIOLATION` if that many partitions exceed `max.broker.partitions` */
  private checkRoom(added: number): void {
    const max = this.options.config.number('max.broker.partitions');
    const present = this.all().reduce((sum, { partitions }) => sum + partitions.length, 0);
    if (present + added <= max) return;
    throw new ProtocolError(
      ErrorCode.POLICY_VIOLATION,
      `${added} more partitions exceed max.broker.partitions: ${present} of ${max} exist`,
    );
  }

  /** @throws ProtocolError `UNKNOWN_TOPIC_OR_PARTITION` */
  async delete(name: string): Promise<void> {
    await this.catalog.change(async () => {
      const topic = this.expect(name);
      const change = { name, id: topic.id, first: 0, partitions: topic.partitions.length };
      await this.catalog.begin(
        change,
        this.stored().filter((stored) => stored.name !== name),
      );
      this.topics.delete(name);
      // The topic is deleted. What fails from here on is not an error for the client, and is retried later.
      await this.checkpoints.saveAll().catch((err: unknown) => {
        this.catalog.inconsistent = true;
        this.options.logger.error(
          { err, topic: name },
          'checkpoints of a deleted topic not removed, will retry',
        );
      });
      await this.undo(change, topic.partitions);
      await this.catalog.save(this.stored()).catch((err: unknown) => {
        this.options.logger.warn(
          { err, topic: name },
          `write of ${TOPICS_FILE} failed after a topic was deleted, will retry`,
        );
      });
    });
  }

  /** Adds partitions up to `count`. @throws ProtocolError if the topic does not exist, or `count` is invalid */
  async grow(name: string, count: number): Promise<void> {
    await this.catalog.change(async () => {
      const topic = this.expect(name);
      checkPartitionCount(count);
      this.checkRoom(Math.max(0, count - topic.partitions.length));
      await this.addPartitions(topic, count, this.storedWith(name, { partitions: count }));
    });
  }

  /** @throws SettingError if a topic cannot have these settings */
  checkSettings(settings: Readonly<Record<string, string>>): void {
    checkTopicSettings(settings);
  }

  /** Replaces the settings of a topic. @throws SettingError, ProtocolError */
  async configure(name: string, settings: Readonly<Record<string, string>>): Promise<void> {
    checkTopicSettings(settings);
    await this.catalog.change(async () => {
      const topic = this.expect(name);
      await this.catalog.save(this.storedWith(name, { settings: { ...settings } }));
      topic.settings = settings;
    });
  }

  /** Alters broker settings at run time and persists them. */
  async alterBroker(altered: Partial<AlteredSettings>): Promise<void> {
    await this.catalog.change(() => this.catalog.alterBroker(altered));
  }

  /** Persists the log start offsets, after DeleteRecords. */
  async saveStartOffsets(): Promise<void> {
    await this.catalog.change(() => this.checkpoints.save(START_FILE));
  }

  /** Persists the offsets up to which logs are synced: recovery checks what follows them. */
  async saveRecoveryPoints(): Promise<void> {
    if (this.catalog.inconsistent) await this.catalog.change(() => Promise.resolve());
    await this.checkpoints.save(RECOVERY_FILE);
  }

  /** Syncs and closes everything. The next start is a clean one. */
  async close(): Promise<void> {
    await this.stopBackground();
    await inParallel(this.logs(), (log) => log.close());
    await this.catalog.repair();
    await this.checkpoints.saveAll();
    await this.options.files.replaceFile(path.join(this.options.dataDir, CLEAN_FILE), '');
  }

  /** Closes the files without a sync, as if the process had been killed. */
  async abort(): Promise<void> {
    await this.stopBackground();
    await inParallel(this.logs(), (log) => log.abort());
  }

  private async stopBackground(): Promise<void> {
    await this.maintenance.stop();
    await this.catalog.idle();
  }

  private logs(): PartitionLog[] {
    return this.all().flatMap(({ partitions }) => partitions);
  }

  private async load(): Promise<void> {
    const { files, dataDir } = this.options;
    const stored = await this.catalog.read();
    this.catalog.unfinished = await this.folders.sweep(stored);
    const checkpoints = await readCheckpoints(files, dataDir);
    this.recovered.closedCleanly = (await files.readFile(path.join(dataDir, CLEAN_FILE))) !== undefined;
    // A crash from here on is an unclean shutdown. Synced, so that the file does not reappear after a power failure.
    await files.remove(path.join(dataDir, CLEAN_FILE));
    await files.syncFolder(dataDir);
    for (const { name, id, settings, partitions } of stored?.topics ?? []) {
      const topic: Topic = { name, id, settings, partitions: [] };
      topic.partitions.push(...(await this.openPartitions(topic, partitions, checkpoints)));
      this.topics.set(name, topic);
    }
    if (stored === undefined || stored.unfinished !== undefined) await this.catalog.write(this.stored());
    // The broker may have been killed after a topic was deleted and before its checkpoints were.
    await this.checkpoints.saveChanged(checkpoints);
  }

  /** Creates the missing partitions of a topic and persists `stored`; without effect if that fails. */
  private async addPartitions(topic: Topic, count: number, stored: readonly StoredTopic[]): Promise<void> {
    const { name, id } = topic;
    const first = topic.partitions.length;
    if (count <= first) return;
    const missing = Array.from({ length: count - first }, (_, i) => ({
      topic: name,
      topicId: id,
      partition: first + i,
    }));
    await this.folders.makeRoom(missing, this.catalog.unfinished);
    const change = { name, id, first, partitions: count };
    await this.catalog.begin(change, this.stored());
    let opened: PartitionLog[] = [];
    try {
      opened = await this.openPartitions(topic, count, NO_CHECKPOINTS);
      await this.catalog.complete(change, stored);
    } catch (error) {
      await this.undo(change, opened);
      throw error;
    }
    topic.partitions.push(...opened);
  }

  /** Closes partitions that belong to no topic, and removes their folders; those that remain are removed later. */
  private async undo(change: UnfinishedTopic, logs: readonly PartitionLog[]): Promise<void> {
    const { name: topic, id: topicId, first, partitions } = change;
    await inParallel(logs, (log) => log.abort()).catch((err: unknown) => {
      this.options.logger.warn({ err, topic }, 'files of a deleted partition not closed');
    });
    let all = true;
    for (let partition = first; partition < partitions; partition++) {
      all = (await this.folders.remove({ topic, topicId, partition })) && all;
    }
    if (all) this.catalog.finish(change);
  }

  /** Opens the partitions that a topic lacks, all or none. */
  private async openPartitions(
    topic: Topic,
    count: number,
    checkpoints: Checkpoints,
  ): Promise<PartitionLog[]> {
    const { files, logger, limitedLogger, now } = this.options;
    const first = topic.partitions.length;
    const indexes = Array.from({ length: count - first }, (_, i) => first + i);
    const done = await settleInParallel(indexes, async (partition) => {
      const key = partitionName(topic.name, partition);
      return PartitionLog.open({
        files,
        folder: this.folders.pathOf({ topic: topic.name, partition }),
        logger,
        now,
        settings: () => this.settings.log(topic),
        recoveryPoint: checkpoints.recovery.get(key) ?? 0n,
        logStartOffset: checkpoints.start.get(key) ?? 0n,
        cleanedBefore: checkpoints.cleaned.get(key) ?? 0n,
        gapsBefore: checkpoints.gaps.get(key) ?? checkpoints.cleaned.get(key) ?? 0n,
        onCleaning: () => this.checkpoints.save(GAPS_FILE),
        onCleaned: () => this.checkpoints.save(CLEANER_FILE),
        closedCleanly: checkpoints !== NO_CHECKPOINTS && this.recovered.closedCleanly,
        onCut: () => this.recovered.cut++,
        onWriteFailure: (err) => limitedLogger.error({ err, topic: topic.name, partition }, 'append failed'),
      });
    });
    const opened = done.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    const failed = done.find((each) => each.status === 'rejected');
    if (failed === undefined) return opened;
    await inParallel(opened, (log) => log.abort());
    throw failed.reason;
  }

  private expect(name: string): Topic {
    const topic = this.topics.get(name);
    if (topic === undefined) {
      throw new ProtocolError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `Topic '${name}' does not exist.`);
    }
    return topic;
  }

  private stored(): StoredTopic[] {
    return this.all().map(storedOf);
  }

  private storedWith(name: string, changed: Partial<StoredTopic>): StoredTopic[] {
    return this.stored().map((topic) => (topic.name === name ? { ...topic, ...changed } : topic));
  }
}

function storedOf({ name, id, partitions, settings }: Topic): StoredTopic {
  return { name, id, partitions: partitions.length, settings: { ...settings } };
}
