import { randomBytes } from 'node:crypto';
import * as path from 'node:path';
import type { Logger } from 'pino';
import { checkTopicSettings, type AlteredSettings, type BrokerConfig } from '../../config/config.js';
import type { TopicSetting } from '../../config/topic-settings.js';
import { ErrorCode, ProtocolError } from '../../../protocol/error-codes.js';
import type { RateLimitedLogger } from '@hailstream/service/rate-limited-logger';
import { BackgroundWork } from './background-work.js';
import {
  CLEAN_FILE,
  CheckpointWriter,
  CLEANER_FILE,
  GAPS_FILE,
  NO_CHECKPOINTS,
  readCheckpoints,
  RECOVERY_FILE,
  START_FILE,
  type Checkpoints,
} from '../recovery/checkpoint-files.js';
import type { FileSystem } from '../files/file-system.js';
import { OpenFilesError } from '../files/open-files.js';
import { inParallel, settleInParallel } from '../files/in-parallel.js';
import { PartitionFolders } from './partition-folders.js';
import { PartitionLog } from '../partition/partition-log.js';
import { restoreSettings } from './restored-settings.js';
import { SettingsInUse } from './settings-in-use.js';
import {
  readTopics,
  TOPICS_FILE,
  writeTopics,
  type StoredTopic,
  type StoredTopics,
  type UnfinishedTopic,
} from './topics-file.js';
import { checkNoTwin, checkPartitionCount, checkTopicName } from './topic-checks.js';
import { partitionName } from '../../../protocol/partition-name.js';

/** A topic: its partitions are opened, its settings are those that differ from the broker's. */
export interface Topic {
  readonly name: string;
  readonly id: string;
  settings: Readonly<Record<string, string>>;
  readonly partitions: PartitionLog[];
}

export interface LogStoreOptions {
  readonly files: FileSystem;
  readonly dataDir: string;
  readonly config: BrokerConfig;
  readonly logger: Logger;
  /** For what may be said of every append. */
  readonly limitedLogger: RateLimitedLogger;
  readonly now: () => number;
}

/** All topics of the broker, the file that names them, and the work that goes on behind them. */
export class LogStore {
  private readonly topics = new Map<string, Topic>();
  private readonly settings: SettingsInUse;
  private clusterIdText = '';
  /** What the start found. */
  readonly recovered = { closedCleanly: false, cut: 0 };
  private readonly background: BackgroundWork;
  private readonly folders: PartitionFolders;
  /** Topics that are being created or deleted, and those of which something is left. */
  private unfinished: readonly UnfinishedTopic[] = [];
  /** Beside the other work, which must not wait for it. */
  private compacting: Promise<void> | undefined;
  private readonly stopped = new AbortController();
  private readonly checkpoints: CheckpointWriter;
  /** Changes of topics happen one after another. */
  private changes: Promise<unknown> = Promise.resolve();
  /** Whether a failure may have left files that say something else than is so. */
  private unsettled = false;

  private constructor(private readonly options: LogStoreOptions) {
    this.settings = new SettingsInUse(options.config);
    this.background = new BackgroundWork(options.logger);
    this.folders = new PartitionFolders(options);
    this.checkpoints = new CheckpointWriter(options, () => this.all());
  }

  /** Opens every partition, several at a time. */
  static async open(options: LogStoreOptions): Promise<LogStore> {
    const store = new LogStore(options);
    await store.load();
    store.startBackground();
    return store;
  }

  get clusterId(): string {
    return this.clusterIdText;
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

  /** A topic's value of a setting, as text. */
  setting(topic: Topic, name: TopicSetting): string {
    return this.settings.text(topic, name);
  }

  /** @throws ProtocolError where the name, the count or a setting is wrong, or the topic is there */
  async create(name: string, partitions: number, settings: Readonly<Record<string, string>>): Promise<Topic> {
    return this.change(async () => {
      this.checkNew(name, partitions, settings);
      const topic: Topic = { name, id: randomBytes(16).toString('hex'), settings, partitions: [] };
      await this.addPartitions(topic, partitions, [...this.stored(), { ...storedOf(topic), partitions }]);
      this.topics.set(name, topic);
      return topic;
    });
  }

  /** The checks of `create` alone. @throws ProtocolError */
  checkNew(name: string, partitions: number, settings: Readonly<Record<string, string>>): void {
    checkTopicName(name);
    if (this.topics.has(name)) {
      throw new ProtocolError(ErrorCode.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`);
    }
    checkNoTwin(name, this.topics.keys());
    checkPartitionCount(partitions);
    checkTopicSettings(settings);
  }

  /** @throws ProtocolError `UNKNOWN_TOPIC_OR_PARTITION` */
  async delete(name: string): Promise<void> {
    await this.change(async () => {
      const topic = this.expect(name);
      const change = { name, id: topic.id, first: 0, partitions: topic.partitions.length };
      await this.begin(
        change,
        this.stored().filter((stored) => stored.name !== name),
      );
      this.topics.delete(name);
      // It is deleted: what fails from here on is not the client's, and is made good later.
      await this.checkpoints.saveAll().catch((err: unknown) => {
        this.unsettled = true;
        this.options.logger.error({ err, topic: name }, 'checkpoints of a deleted topic were not removed');
      });
      await this.undo(change, topic.partitions);
      await this.save(this.stored()).catch((err: unknown) => {
        this.options.logger.warn(
          { err, topic: name },
          `${TOPICS_FILE} not written after a topic was deleted`,
        );
      });
    });
  }

  /** Writes down that partitions are being created or deleted: if the broker is killed, the next start removes them. */
  private async begin(change: UnfinishedTopic, stored: readonly StoredTopic[]): Promise<void> {
    const before = this.unfinished;
    this.unfinished = [...before, change];
    await this.save(stored, () => (this.unfinished = before));
  }

  /** Closes partitions that are no part of a topic, and removes their folders; what is left goes at the next chance. */
  private async undo(change: UnfinishedTopic, logs: readonly PartitionLog[]): Promise<void> {
    const { name: topic, id: topicId, first, partitions } = change;
    await inParallel(logs, (log) => log.abort()).catch((err: unknown) => {
      this.options.logger.warn({ err, topic }, 'files of a deleted partition were not closed');
    });
    let all = true;
    for (let partition = first; partition < partitions; partition++) {
      all = (await this.folders.remove({ topic, topicId, partition })) && all;
    }
    if (all) this.unfinished = this.unfinished.filter((each) => each !== change);
  }

  /** Adds partitions until there are `count`. @throws ProtocolError */
  async grow(name: string, count: number): Promise<void> {
    await this.change(async () => {
      const topic = this.expect(name);
      checkPartitionCount(count);
      await this.addPartitions(topic, count, this.storedWith(name, { partitions: count }));
    });
  }

  /** @throws SettingError where a topic can't have these settings */
  checkSettings(settings: Readonly<Record<string, string>>): void {
    checkTopicSettings(settings);
  }

  get dataDir(): string {
    return this.options.dataDir;
  }

  /** Bytes of the volume that the log is on. */
  async volume(): Promise<{ totalBytes: bigint; usableBytes: bigint }> {
    return this.options.files.volume(this.options.dataDir);
  }

  /** Replaces a topic's settings. @throws SettingError, ProtocolError */
  async configure(name: string, settings: Readonly<Record<string, string>>): Promise<void> {
    checkTopicSettings(settings);
    await this.change(async () => {
      const topic = this.expect(name);
      await this.save(this.storedWith(name, { settings: { ...settings } }));
      topic.settings = settings;
    });
  }

  /** Alters broker settings while running, and keeps them. */
  async alterBroker(altered: Partial<AlteredSettings>): Promise<void> {
    const { config } = this.options;
    await this.change(async () => {
      const before = config.altered;
      config.alter({ ...before, ...altered });
      await this.save(this.stored(), () => config.alter(before));
    });
  }

  /** Keeps where logs start, after DeleteRecords. */
  async saveStartOffsets(): Promise<void> {
    await this.change(() => this.checkpoints.save(START_FILE));
  }

  /** Syncs and closes everything; a clean start follows. */
  async close(): Promise<void> {
    await this.stopBackground();
    await inParallel(this.logs(), (log) => log.close());
    await this.settle();
    await this.checkpoints.saveAll();
    await this.options.files.replaceFile(path.join(this.options.dataDir, CLEAN_FILE), '');
  }

  /** Lets go of the files as a killed process would. */
  async abort(): Promise<void> {
    await this.stopBackground();
    await inParallel(this.logs(), (log) => log.abort());
  }

  private logs(): PartitionLog[] {
    return this.all().flatMap(({ partitions }) => partitions);
  }

  private async load(): Promise<void> {
    const { files, dataDir, config } = this.options;
    const found = await readTopics(files, dataDir);
    const stored: StoredTopics = found ?? { clusterId: '', brokerSettings: {}, topics: [] };
    this.clusterIdText =
      config.text('cluster.id') || stored.clusterId || randomBytes(16).toString('base64url');
    config.settle('cluster.id', this.clusterIdText);
    restoreSettings(config, stored, this.options.logger);
    this.unfinished = await this.folders.sweep(found);
    const checkpoints = await readCheckpoints(files, dataDir);
    this.recovered.closedCleanly = (await files.readFile(path.join(dataDir, CLEAN_FILE))) !== undefined;
    // From now on a crash leaves the folder in disorder, and a power cut must not bring the file back.
    await files.remove(path.join(dataDir, CLEAN_FILE));
    await files.syncFolder(dataDir);
    for (const { name, id, settings, partitions } of stored.topics) {
      const topic: Topic = { name, id, settings, partitions: [] };
      topic.partitions.push(...(await this.openPartitions(topic, partitions, checkpoints)));
      this.topics.set(name, topic);
    }
    if (found === undefined || found.unfinished !== undefined) await this.writeTopics(this.stored());
    // A crash may have come between the end of a topic and the end of what was noted of it.
    await this.checkpoints.saveAll();
  }

  /** Makes the partitions that a topic lacks, and writes down the topics as they are then; all of it or nothing. */
  private async addPartitions(topic: Topic, count: number, stored: readonly StoredTopic[]): Promise<void> {
    const { name, id } = topic;
    const first = topic.partitions.length;
    if (count <= first) return;
    const wanted = Array.from({ length: count - first }, (_, i) => ({
      topic: name,
      topicId: id,
      partition: first + i,
    }));
    await this.folders.makeRoom(wanted, this.unfinished);
    const change = { name, id, first, partitions: count };
    await this.begin(change, this.stored());
    let opened: PartitionLog[] = [];
    try {
      opened = await this.openPartitions(topic, count, NO_CHECKPOINTS);
      this.unfinished = beyond(this.unfinished, name, count);
      await this.save(stored, () => (this.unfinished = [...this.unfinished, change]));
    } catch (error) {
      await this.undo(change, opened);
      throw error;
    }
    topic.partitions.push(...opened);
  }

  /** Opens the partitions that a topic lacks, all or none. */
  private async openPartitions(
    topic: Topic,
    count: number,
    checkpoints: Checkpoints,
  ): Promise<PartitionLog[]> {
    const { files, logger, now } = this.options;
    const first = topic.partitions.length;
    const indexes = Array.from({ length: count - first }, (_, i) => first + i);
    const done = await settleInParallel(indexes, async (index) => {
      const key = partitionName(topic.name, index);
      return PartitionLog.open({
        files,
        folder: this.folders.pathOf({ topic: topic.name, partition: index }),
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
        onWriteFailure: (err) =>
          this.options.limitedLogger.error({ err, topic: topic.name, index }, 'append failed'),
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
      throw new ProtocolError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `there is no topic ${name}`);
    }
    return topic;
  }

  private stored(): StoredTopic[] {
    return this.all().map(storedOf);
  }

  private storedWith(name: string, changed: Partial<StoredTopic>): StoredTopic[] {
    return this.stored().map((topic) => (topic.name === name ? { ...topic, ...changed } : topic));
  }

  /** Writes down the topics as a change leaves them. Where that fails they are as they were. */
  private async save(topics: readonly StoredTopic[], undo?: () => void): Promise<void> {
    try {
      await this.writeTopics(topics);
    } catch (error) {
      undo?.();
      // The new file may be in its place, and only that not be safe.
      this.unsettled = true;
      await this.settle().catch((err: unknown) => {
        this.options.logger.error({ err }, `${TOPICS_FILE} could not be written`);
      });
      throw error;
    }
  }

  private async writeTopics(topics: readonly StoredTopic[]): Promise<void> {
    const { files, dataDir, config } = this.options;
    await writeTopics(files, dataDir, {
      clusterId: this.clusterIdText,
      brokerSettings: { ...config.altered.own },
      allBrokersSettings: { ...config.altered.all },
      topics,
      ...(this.unfinished.length > 0 && { unfinished: this.unfinished }),
    });
  }

  /** Has the files say again what is so, where a failure may have left something else. */
  private async settle(): Promise<void> {
    if (!this.unsettled) return;
    await this.writeTopics(this.stored());
    await this.checkpoints.saveAll();
    this.unsettled = false;
  }

  private change<T>(work: () => Promise<T>): Promise<T> {
    const done = this.changes.then(async () => {
      try {
        await this.settle();
        return await work();
      } catch (error) {
        throw asRefusal(error);
      }
    });
    this.changes = done.catch(() => undefined);
    return done;
  }

  private startBackground(): void {
    const { config } = this.options;
    const every = this.background.every.bind(this.background);
    every(config.number('log.flush.scheduler.interval.ms'), () => this.flushDue());
    every(config.number('log.flush.offset.checkpoint.interval.ms'), () => this.saveRecoveryPoints());
    every(config.number('log.cleaner.backoff.ms'), async () => {
      this.compacting ??= this.compactAll().finally(() => {
        this.compacting = undefined;
      });
    });
    every(config.number('log.retention.check.interval.ms'), () => this.applyRetention());
  }

  private async stopBackground(): Promise<void> {
    this.stopped.abort();
    await this.background.stop();
    await this.compacting;
    await this.changes;
  }

  /** Keeps up to where logs are on disk: a start after a crash checks what is behind. */
  async saveRecoveryPoints(): Promise<void> {
    if (this.unsettled) await this.change(() => Promise.resolve());
    await this.checkpoints.save(RECOVERY_FILE);
  }

  /** Syncs what is due, and what would be late by the next time. */
  async flushDue(): Promise<void> {
    const intervalMs = this.options.config.number('log.flush.scheduler.interval.ms');
    await this.tend('sync', (log) => log.flushIfDue(intervalMs));
  }

  /** Compacts the topics that ask for it, one partition after another. */
  async compactAll(): Promise<void> {
    await this.tend('compaction', (log) => log.compact(this.stopped.signal));
  }

  /** Removes what topics need not keep any longer. */
  async applyRetention(): Promise<void> {
    await this.tend('retention', async (log) => {
      log.forgetProducers(this.options.config.number('producer.id.expiration.ms'));
      await log.applyRetention();
    });
  }

  /**
   * Does work on every partition, one after another: side by side they would hold up the appends of all. One that fails
   * does not keep the others from it.
   */
  private async tend(work: string, on: (log: PartitionLog) => Promise<void>): Promise<void> {
    for (const { name, partitions } of this.all()) {
      for (const [partition, log] of [...partitions].entries()) {
        await on(log).catch((err: unknown) => {
          this.options.logger.error(
            { err, topic: name, partition, work },
            'background work on the log failed',
          );
        });
      }
    }
  }
}

/** What the system refused, in the words of the protocol. */
function asRefusal(error: unknown): unknown {
  if (typeof (error as NodeJS.ErrnoException).syscall !== 'string') return error;
  const message = error instanceof OpenFilesError ? error.message : 'the disk did not take it';
  return new ProtocolError(ErrorCode.KAFKA_STORAGE_ERROR, message, { cause: error });
}

/** Unfinished changes without those of a topic's first partitions, whose folders are in use again. */
function beyond(unfinished: readonly UnfinishedTopic[], name: string, count: number): UnfinishedTopic[] {
  return unfinished
    .map((each) => (each.name === name ? { ...each, first: Math.max(each.first, count) } : each))
    .filter(({ first, partitions }) => first < partitions);
}

function storedOf({ name, id, partitions, settings }: Topic): StoredTopic {
  return { name, id, partitions: partitions.length, settings: { ...settings } };
}
