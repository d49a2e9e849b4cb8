import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { ErrorCode, ProtocolError } from '../../../protocol/error-codes.js';
import type { AlteredSettings, BrokerConfig } from '../../config/config.js';
import type { FileSystem } from '../files/file-system.js';
import { OpenFilesError } from '../files/open-files.js';
import type { CheckpointWriter } from '../recovery/checkpoint-files.js';
import {
  readTopics,
  TOPICS_FILE,
  writeTopics,
  type StoredTopic,
  type StoredTopics,
  type UnfinishedTopic,
} from './topics-file.js';

export interface TopicCatalogOptions {
  readonly files: FileSystem;
  readonly dataDir: string;
  readonly config: BrokerConfig;
  readonly logger: Logger;
}

/**
 * The persistent list of topics with the settings that were altered at run time, and the order of the changes to it. A
 * change is either complete or has no effect, also after a crash or a failed write.
 */
export class TopicCatalog {
  clusterId = '';
  /** Partitions that are being created or deleted, or whose folders are yet to be removed. */
  unfinished: readonly UnfinishedTopic[] = [];
  /** Changes run one after another. */
  private changes: Promise<unknown> = Promise.resolve();
  /** Whether a failed write may have left files that differ from the state in memory: the next change repairs them. */
  inconsistent = false;

  constructor(
    private readonly options: TopicCatalogOptions,
    private readonly checkpoints: CheckpointWriter,
    /** The topics as they are in memory. */
    private readonly current: () => readonly StoredTopic[],
  ) {}

  /** Reads the file and applies the settings in it. @returns undefined in a new data directory */
  async read(): Promise<StoredTopics | undefined> {
    const { files, dataDir, config, logger } = this.options;
    const stored = await readTopics(files, dataDir);
    this.clusterId = config.text('cluster.id') || stored?.clusterId || randomBytes(16).toString('base64url');
    config.settle('cluster.id', this.clusterId);
    restoreSettings(config, stored, logger);
    return stored;
  }

  /** Runs a change after those before it. @throws ProtocolError `KAFKA_STORAGE_ERROR` if a system call failed */
  change<T>(work: () => Promise<T>): Promise<T> {
    const done = this.changes.then(async () => {
      try {
        await this.repair();
        return await work();
      } catch (error) {
        throw toStorageError(error);
      }
    });
    this.changes = done.catch(() => undefined);
    return done;
  }

  /** Resolves once no change is in progress. */
  async idle(): Promise<void> {
    await this.changes;
  }

  /** Records that partitions are being created or deleted: the next start removes them if the broker is killed. */
  async begin(change: UnfinishedTopic, topics: readonly StoredTopic[]): Promise<void> {
    const before = this.unfinished;
    this.unfinished = [...before, change];
    await this.save(topics, () => {
      this.unfinished = before;
    });
  }

  /** Records that the folders of a change are removed. The next write persists it. */
  finish(change: UnfinishedTopic): void {
    this.unfinished = this.unfinished.filter((each) => each !== change);
  }

  /** Records that partitions were created. */
  async complete(change: UnfinishedTopic, topics: readonly StoredTopic[]): Promise<void> {
    this.unfinished = withoutFirst(this.unfinished, change.name, change.partitions);
    await this.save(topics, () => {
      this.unfinished = [...this.unfinished, change];
    });
  }

  /** Alters broker settings and persists them. */
  async alterBroker(altered: Partial<AlteredSettings>): Promise<void> {
    const { config } = this.options;
    const before = config.altered;
    config.alter({ ...before, ...altered });
    await this.save(this.current(), () => config.alter(before));
  }

  /** Writes the topics as a change leaves them. After a failure `undo` is called, and the file is restored. */
  async save(topics: readonly StoredTopic[], undo?: () => void): Promise<void> {
    try {
      await this.write(topics);
    } catch (error) {
      undo?.();
      // The new file may already have replaced the old one, and only the sync have failed.
      this.inconsistent = true;
      await this.repair().catch((err: unknown) => {
        this.options.logger.error({ err }, `write of ${TOPICS_FILE} failed, will retry`);
      });
      throw error;
    }
  }

  async write(topics: readonly StoredTopic[]): Promise<void> {
    const { files, dataDir, config } = this.options;
    await writeTopics(files, dataDir, {
      clusterId: this.clusterId,
      brokerSettings: { ...config.altered.own },
      allBrokersSettings: { ...config.altered.all },
      topics,
      ...(this.unfinished.length > 0 && { unfinished: this.unfinished }),
    });
  }

  /** Writes the files again if a failure may have left others. */
  async repair(): Promise<void> {
    if (!this.inconsistent) return;
    await this.write(this.current());
    await this.checkpoints.saveAll();
    this.inconsistent = false;
  }
}

/** The error that clients get for a failed system call. */
function toStorageError(error: unknown): unknown {
  if (typeof (error as NodeJS.ErrnoException).syscall !== 'string') return error;
  const message = error instanceof OpenFilesError ? error.message : 'write to the disk failed';
  return new ProtocolError(ErrorCode.KAFKA_STORAGE_ERROR, message, { cause: error });
}

/** Unfinished changes without the first partitions of a topic, whose folders are in use again. */
function withoutFirst(
  unfinished: readonly UnfinishedTopic[],
  name: string,
  count: number,
): UnfinishedTopic[] {
  return unfinished
    .map((each) => (each.name === name ? { ...each, first: Math.max(each.first, count) } : each))
    .filter(({ first, partitions }) => first < partitions);
}

/** Applies stored settings. Those that this version does not accept are logged and ignored, so that the broker starts. */
function restoreSettings(config: BrokerConfig, stored: StoredTopics | undefined, logger: Logger): void {
  const accepted = (settings: Record<string, string> = {}) =>
    Object.fromEntries(
      Object.entries(settings).filter(([name, value]) => {
        try {
          config.checkAltered({ [name]: value });
          return true;
        } catch (err) {
          logger.warn({ err, setting: name, value }, 'stored setting is invalid, ignored');
          return false;
        }
      }),
    );
  config.alter({ own: accepted(stored?.brokerSettings), all: accepted(stored?.allBrokersSettings) });
}
