import { randomBytes } from 'node:crypto';
import * as path from 'node:path';
import type { Logger } from 'pino';
import { checkTopicSettings, type BrokerConfig } from '../config/config.js';
import type { TopicSetting } from '../config/topic-settings.js';
import { ErrorCode, ProtocolError } from '../protocol/error-codes.js';
import type { BoundedLog } from '../bounded-log.js';
import { DataDirError } from './data-dir-lock.js';
import { readCheckpoint, writeCheckpoint, type Checkpoint } from './checkpoint.js';
import { TEMPORARY_SUFFIX, type FileSystem } from './file-system.js';
import { PartitionLog } from './partition-log.js';
import { SettingsInUse } from './settings-in-use.js';
import { checkNoTwin, checkPartitionCount, checkTopicName } from './topic-checks.js';

const TOPICS_FILE = 'topics.json';
const RECOVERY_FILE = 'recovery-point-offset-checkpoint';
const START_FILE = 'log-start-offset-checkpoint';
/** There while no broker runs and the last one closed everything. */
const CLEAN_FILE = '.kafka_cleanshutdown';
/** Longer ones overflow in Node. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const CLEANER_FILE = 'cleaner-offset-checkpoint';
/** Ours: where offsets may be missing, noted before the first one is. */
const GAPS_FILE = 'compaction-gaps-checkpoint';
/** Folders that are being removed; what a crash leaves of them goes at the next start. */
const DELETED_SUFFIX = '.deleted';

/** A partition's folder: its topic and its number. */
const PARTITION_FOLDER = /^[a-zA-Z0-9._-]+-\d+$/;

/** What the last run left of every partition. */
interface Checkpoints {
  readonly recovery: Checkpoint;
  readonly start: Checkpoint;
  readonly cleaned: Checkpoint;
  readonly gaps: Checkpoint;
  readonly closedCleanly: boolean;
}

const NO_CHECKPOINTS: Checkpoints = {
  recovery: new Map(),
  start: new Map(),
  cleaned: new Map(),
  gaps: new Map(),
  closedCleanly: false,
};

/** A topic: its partitions are opened, its settings are those that differ from the broker's. */
export interface Topic {
  readonly name: string;
  readonly id: string;
  settings: Readonly<Record<string, string>>;
  readonly partitions: PartitionLog[];
}

interface StoredTopics {
  readonly clusterId: string;
  /** Altered while running: of this broker, and of all. */
  readonly brokerSettings: Record<string, string>;
  readonly allBrokersSettings?: Record<string, string>;
  readonly topics: { name: string; id: string; partitions: number; settings: Record<string, string> }[];
}

export interface LogStoreOptions {
  readonly files: FileSystem;
  readonly dataDir: string;
  readonly config: BrokerConfig;
  readonly logger: Logger;
  /** For what may be said of every append. */
  readonly bounded: BoundedLog;
  readonly now: () => number;
}

/** All topics of the broker, the file that names them, and the work that goes on behind them. */
export class LogStore {
  private readonly topics = new Map<string, Topic>();
  private readonly settings: SettingsInUse;
  private clusterIdText = '';
  /** What the start found. */
  readonly recovered = { closedCleanly: false, cut: 0 };
  private timers: NodeJS.Timeout[] = [];
  private background: Promise<void> = Promise.resolve();
  /** Beside the other work, which must not wait for it. */
  private compacting: Promise<void> | undefined;
  private readonly stopped = new AbortController();
  private checkpoints: Promise<void> = Promise.resolve();
  /** Changes of topics happen one after another. */
  private changes: Promise<unknown> = Promise.resolve();

  private constructor(private readonly options: LogStoreOptions) {
    this.settings = new SettingsInUse(options.config);
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
      throw new ProtocolError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `there is no partition ${name}-${index}`);
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
      await this.openPartitions(topic, partitions, NO_CHECKPOINTS);
      this.topics.set(name, topic);
      await this.save();
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
      this.topics.delete(name);
      await this.save();
      await this.saveCheckpoints();
      for (const [index, log] of topic.partitions.entries()) {
        const gone = `${this.folderOf(name, index)}.${topic.id}${DELETED_SUFFIX}`;
        await log.abort();
        await this.options.files.rename(this.folderOf(name, index), gone);
        await this.options.files.remove(gone);
      }
    });
  }

  /** Adds partitions until there are `count`. @throws ProtocolError */
  async grow(name: string, count: number): Promise<void> {
    await this.change(async () => {
      const topic = this.expect(name);
      checkPartitionCount(count);
      await this.openPartitions(topic, count, NO_CHECKPOINTS);
      await this.save();
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
      this.expect(name).settings = settings;
      await this.save();
    });
  }

  /** Keeps the broker settings that were altered while running. */
  async saveBrokerSettings(): Promise<void> {
    await this.change(() => this.save());
  }

  /** Keeps where logs start, after DeleteRecords. */
  async saveStartOffsets(): Promise<void> {
    await this.change(() => this.checkpoint(START_FILE, (log) => log.logStartOffset));
  }

  /** Syncs and closes everything; a clean start follows. */
  async close(): Promise<void> {
    await this.stopBackground();
    for (const topic of this.topics.values()) {
      await Promise.all(topic.partitions.map((log) => log.close()));
    }
    await this.saveCheckpoints();
    await this.options.files.replaceFile(path.join(this.options.dataDir, CLEAN_FILE), '');
  }

  /** Lets go of the files as a killed process would. */
  async abort(): Promise<void> {
    await this.stopBackground();
    for (const topic of this.topics.values()) {
      await Promise.all(topic.partitions.map((log) => log.abort()));
    }
  }

  private async load(): Promise<void> {
    const { files, dataDir, config } = this.options;
    const contents = await files.readFile(path.join(dataDir, TOPICS_FILE));
    const stored: StoredTopics =
      contents === undefined
        ? { clusterId: '', brokerSettings: {}, allBrokersSettings: {}, topics: [] }
        : (JSON.parse(contents.toString()) as StoredTopics);
    this.clusterIdText =
      config.text('cluster.id') || stored.clusterId || randomBytes(16).toString('base64url');
    config.settle('cluster.id', this.clusterIdText);
    this.restoreSettings(stored);
    await this.removeLeftovers(contents === undefined ? undefined : stored);
    const checkpoints = {
      recovery: await readCheckpoint(files, path.join(dataDir, RECOVERY_FILE)),
      start: await readCheckpoint(files, path.join(dataDir, START_FILE)),
      cleaned: await readCheckpoint(files, path.join(dataDir, CLEANER_FILE)),
      gaps: await readCheckpoint(files, path.join(dataDir, GAPS_FILE)),
      closedCleanly: (await files.readFile(path.join(dataDir, CLEAN_FILE))) !== undefined,
    };
    this.recovered.closedCleanly = checkpoints.closedCleanly;
    // From now on a crash leaves the folder in disorder, and a power cut must not bring the file back.
    await files.remove(path.join(dataDir, CLEAN_FILE));
    await files.syncFolder(dataDir);
    for (const { name, id, settings, partitions } of stored.topics) {
      const topic: Topic = { name, id, settings, partitions: [] };
      await this.openPartitions(topic, partitions, checkpoints);
      this.topics.set(name, topic);
    }
    if (contents === undefined) await this.save();
    // A crash may have come between the end of a topic and the end of what was noted of it.
    await this.saveCheckpoints();
  }

  /** What this version can't heed is left out, and said: a broker that does not start is worse. */
  private restoreSettings({ brokerSettings, allBrokersSettings = {} }: StoredTopics): void {
    const { config, logger } = this.options;
    const heeded = (settings: Record<string, string>) =>
      Object.fromEntries(
        Object.entries(settings).filter(([name, value]) => {
          try {
            config.checkAltered({ [name]: value });
            return true;
          } catch (err) {
            logger.warn({ err, setting: name, value }, 'a setting that was altered does not hold any longer');
            return false;
          }
        }),
      );
    config.alter({ own: heeded(brokerSettings), all: heeded(allBrokersSettings) });
  }

  /** Removes what a crash left of topics that were being made or deleted: another of that name is none of theirs. */
  private async removeLeftovers(stored: StoredTopics | undefined): Promise<void> {
    const { files, dataDir, logger } = this.options;
    const folders = new Set(
      stored?.topics.flatMap(({ name, partitions }) =>
        Array.from({ length: partitions }, (_, i) => `${name}-${i}`),
      ),
    );
    for (const name of await files.list(dataDir)) {
      const ofNoTopic = PARTITION_FOLDER.test(name) && !folders.has(name);
      if (ofNoTopic && stored === undefined) {
        throw new DataDirError(`${dataDir} has ${name}, and no ${TOPICS_FILE} that says what it is`);
      }
      if (!ofNoTopic && !name.endsWith(DELETED_SUFFIX) && !name.endsWith(TEMPORARY_SUFFIX)) continue;
      logger.warn({ name }, 'what an unfinished change of topics left was removed');
      await files.remove(path.join(dataDir, name));
    }
  }

  private async openPartitions(topic: Topic, count: number, checkpoints: Checkpoints): Promise<void> {
    const { files, logger, now } = this.options;
    const opened = Array.from({ length: count - topic.partitions.length }, async (_, i) => {
      const index = topic.partitions.length + i;
      const key = `${topic.name}-${index}`;
      return PartitionLog.open({
        files,
        folder: this.folderOf(topic.name, index),
        logger,
        now,
        settings: () => this.settings.log(topic),
        recoveryPoint: checkpoints.recovery.get(key) ?? 0n,
        logStartOffset: checkpoints.start.get(key) ?? 0n,
        cleanedBefore: checkpoints.cleaned.get(key) ?? 0n,
        gapsBefore: checkpoints.gaps.get(key) ?? checkpoints.cleaned.get(key) ?? 0n,
        onCleaning: () => this.checkpoint(GAPS_FILE, (log) => log.gapsBefore),
        onCleaned: () => this.checkpoint(CLEANER_FILE, (log) => log.cleanedBefore),
        closedCleanly: checkpoints.closedCleanly,
        onCut: () => this.recovered.cut++,
        onWriteFailure: (err) =>
          this.options.bounded.say('error', { err, topic: topic.name, index }, 'append failed'),
      });
    });
    topic.partitions.push(...(await Promise.all(opened)));
  }

  private folderOf(name: string, partition: number): string {
    return path.join(this.options.dataDir, `${name}-${partition}`);
  }

  private expect(name: string): Topic {
    const topic = this.topics.get(name);
    if (topic === undefined) {
      throw new ProtocolError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `there is no topic ${name}`);
    }
    return topic;
  }

  private async save(): Promise<void> {
    const stored: StoredTopics = {
      clusterId: this.clusterIdText,
      brokerSettings: { ...this.options.config.altered.own },
      allBrokersSettings: { ...this.options.config.altered.all },
      topics: this.all().map(({ name, id, settings, partitions }) => ({
        name,
        id,
        partitions: partitions.length,
        settings: { ...settings },
      })),
    };
    const text = `${JSON.stringify(stored, undefined, 2)}\n`;
    await this.options.files.replaceFile(path.join(this.options.dataDir, TOPICS_FILE), text);
  }

  private change<T>(work: () => Promise<T>): Promise<T> {
    const done = this.changes.then(work);
    this.changes = done.catch(() => undefined);
    return done;
  }

  /** All of them: what they say of a topic that was deleted must not be taken for one made later. */
  private async saveCheckpoints(): Promise<void> {
    await this.checkpoint(RECOVERY_FILE, (log) => log.recoveryPoint);
    await this.checkpoint(START_FILE, (log) => log.logStartOffset);
    await this.checkpoint(CLEANER_FILE, (log) => log.cleanedBefore);
    await this.checkpoint(GAPS_FILE, (log) => log.gapsBefore);
  }

  /** One after another: two at a time would write one file. */
  private checkpoint(file: string, offsetOf: (log: PartitionLog) => bigint): Promise<void> {
    const written = this.checkpoints.then(() => this.writeCheckpoint(file, offsetOf));
    this.checkpoints = written.catch(() => undefined);
    return written;
  }

  private async writeCheckpoint(file: string, offsetOf: (log: PartitionLog) => bigint): Promise<void> {
    const offsets = this.all().flatMap(({ name, partitions }) =>
      partitions.map((log, partition) => ({ topic: name, partition, offset: offsetOf(log) })),
    );
    await writeCheckpoint(this.options.files, path.join(this.options.dataDir, file), offsets);
  }

  private startBackground(): void {
    const { config } = this.options;
    const every = (ms: number, work: () => Promise<void>) => {
      let busy = false;
      const timer = setInterval(
        () => {
          if (busy) return;
          busy = true;
          this.background = this.background
            .then(work)
            .catch((err: unknown) => {
              this.options.logger.error({ err }, 'background work on the log failed');
            })
            .finally(() => {
              busy = false;
            });
        },
        Math.min(ms, LONGEST_TIMER_MS),
      );
      timer.unref();
      this.timers.push(timer);
    };
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
    for (const timer of this.timers) clearInterval(timer);
    this.timers = [];
    this.stopped.abort();
    await this.background;
    await this.compacting;
    await this.changes;
  }

  /** Keeps up to where logs are on disk: a start after a crash checks what is behind. */
  async saveRecoveryPoints(): Promise<void> {
    await this.checkpoint(RECOVERY_FILE, (log) => log.recoveryPoint);
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
