import * as path from 'node:path';
import { LOCK_FILE } from '@hailstream/service/folder-lock';
import type { Logger } from 'pino';
import { CLEAN_FILE, CHECKPOINT_FILES } from '../recovery/checkpoint-files.js';
import { DataDirError } from '../files/data-dir-lock.js';
import { TEMPORARY_SUFFIX, type FileSystem } from '../files/file-system.js';
import { PRODUCER_IDS_FILE } from '../producers/producer-ids.js';
import { isPartitionFile, LOG_FILE } from '../segment/segment-files.js';
import { TOPICS_FILE, type StoredTopics, type UnfinishedTopic } from './topics-file.js';
import { partitionName } from '../../../protocol/topic-partition.js';

/** Maximum length of a file name in bytes. Topic names are ASCII. */
const LONGEST_FILE_NAME = 255;
/** Name of the folder of a partition. */
const PARTITION_FOLDER = /^[a-zA-Z0-9._-]+-\d+$/;
/** Names of the folders of deleted partitions, of this and earlier versions. */
const DELETED_FOLDER = /^[a-zA-Z0-9._-]*-\d+\.[0-9a-f]{32}(-delete|\.deleted)$/;
const STRAY_FOLDER = /^[a-zA-Z0-9._-]*-\d+\.[0-9a-f]{32}-stray$/;
/** Created by file systems. */
const OF_THE_FILE_SYSTEM = new Set(['lost+found']);
/** Maximum number of names in a log message. */
const MAX_LOGGED_NAMES = 20;

const OWN_FILES = [TOPICS_FILE, PRODUCER_IDS_FILE, CLEAN_FILE, ...CHECKPOINT_FILES];

/** Identifies the folder of a partition. */
interface PartitionFolder {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
}

/**
 * The folders of partitions in the data directory. Only files with names that the broker creates are removed, and folders
 * once they are empty: unknown files and folders are not touched.
 */
export class PartitionFolders {
  constructor(
    private readonly options: {
      readonly files: FileSystem;
      readonly dataDir: string;
      readonly logger: Logger;
    },
  ) {}

  pathOf({ topic, partition }: Omit<PartitionFolder, 'topicId'>): string {
    return path.join(this.options.dataDir, partitionName(topic, partition));
  }

  /** Removes the folder of a deleted partition. Failures are logged. @returns whether it was removed */
  async remove(of: PartitionFolder): Promise<boolean> {
    const { files, logger } = this.options;
    const folder = this.pathOf(of);
    const deleted = path.join(this.options.dataDir, markedName(of, '-delete'));
    try {
      // Renamed first: a new partition of the same name must not find remaining files.
      await files.rename(folder, deleted);
      await this.empty(deleted);
      return true;
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code === 'ENOENT') return true;
      logger.warn({ err, folder }, 'folder of a deleted partition not removed, will retry at the next start');
      return false;
    }
  }

  /** Frees the names of new partitions: folders of unfinished changes are removed, others are renamed to `-stray`. */
  async makeRoom(wanted: readonly PartitionFolder[], unfinished: readonly UnfinishedTopic[]): Promise<void> {
    const { files, dataDir, logger } = this.options;
    const names = new Set(await files.list(dataDir));
    for (const of of wanted) {
      if (!names.has(partitionName(of.topic, of.partition))) continue;
      const left = unfinished.find((each) => isOf(each, of));
      if (left !== undefined && (await this.remove({ ...of, topicId: left.id }))) continue;
      const strayName = markedName(of, '-stray');
      await files.rename(this.pathOf(of), path.join(dataDir, strayName));
      logger.warn(
        { folder: partitionName(of.topic, of.partition), renamedTo: strayName },
        'unknown folder with the name of a new partition renamed',
      );
    }
  }

  /**
   * Removes the folders of unfinished changes and temporary files, and logs unknown files in the data directory.
   *
   * @returns the changes whose folders could not be removed
   * @throws DataDirError if there are partition folders, but no topics file
   */
  async sweep(stored: StoredTopics | undefined): Promise<UnfinishedTopic[]> {
    const { files, dataDir, logger } = this.options;
    const left: UnfinishedTopic[] = [];
    for (const change of stored?.unfinished ?? [])
      if (!(await this.removeUnfinished(change, stored))) left.push(change);
    const known = new Set(stored?.topics.flatMap(({ name, partitions }) => namesOf(name, partitions)));
    const unknown: string[] = [];
    const names = new Set(await files.list(dataDir));
    const missing = [...known].filter((name) => !names.has(name));
    if (missing.length > 0) {
      const fields = { dataDir, names: missing.slice(0, MAX_LOGGED_NAMES), count: missing.length };
      logger.error(fields, 'partition folders missing, partitions start empty');
    }
    for (const name of names) {
      if (known.has(name) || name === LOCK_FILE || OWN_FILES.includes(name)) continue;
      const folder = path.join(dataDir, name);
      if (OWN_FILES.some((own) => name === `${own}${TEMPORARY_SUFFIX}`)) await this.removeFile(folder);
      else if (DELETED_FOLDER.test(name)) await this.emptyOrWarn(folder);
      else if (!STRAY_FOLDER.test(name) && !OF_THE_FILE_SYSTEM.has(name)) unknown.push(name);
    }
    if (stored === undefined) await this.checkNoLogs(unknown);
    if (unknown.length > 0) {
      const fields = { dataDir, names: unknown.slice(0, MAX_LOGGED_NAMES), count: unknown.length };
      logger.warn(fields, 'unknown files in the data directory are ignored');
    }
    return left;
  }

  private async removeUnfinished(
    change: UnfinishedTopic,
    stored: StoredTopics | undefined,
  ): Promise<boolean> {
    const existing = stored?.topics.find(({ name }) => name === change.name)?.partitions ?? 0;
    let all = true;
    for (let partition = change.first; partition < change.partitions; partition++) {
      if (partition < existing) continue;
      all = (await this.remove({ topic: change.name, topicId: change.id, partition })) && all;
    }
    return all;
  }

  private async checkNoLogs(names: readonly string[]): Promise<void> {
    const { files, dataDir } = this.options;
    for (const name of names.filter((each) => PARTITION_FOLDER.test(each))) {
      const contents = await files.list(path.join(dataDir, name)).catch(() => []);
      if (!contents.some((file) => LOG_FILE.test(file))) continue;
      throw new DataDirError(`${dataDir} has the partition folder ${name}, but no ${TOPICS_FILE}`);
    }
  }

  private async emptyOrWarn(folder: string): Promise<void> {
    await this.empty(folder).catch((err: unknown) => {
      this.options.logger.warn({ err, folder }, 'folder of a deleted partition not removed, will retry');
    });
  }

  private async removeFile(file: string): Promise<void> {
    await this.options.files.remove(file).catch((err: unknown) => {
      this.options.logger.warn({ err, file }, 'temporary file not removed, will retry at the next start');
    });
  }

  /** Removes the files of a partition, and their folder if nothing else is in it. */
  private async empty(folder: string): Promise<void> {
    const { files, logger } = this.options;
    for (const name of await files.list(folder)) {
      if (isPartitionFile(name)) await files.remove(path.join(folder, name));
    }
    if (await files.removeFolder(folder)) return;
    logger.warn({ folder }, 'folder of a deleted partition not removed: it has unknown files');
  }
}

function namesOf(topic: string, partitions: number): string[] {
  return Array.from({ length: partitions }, (_, i) => `${topic}-${i}`);
}

function isOf({ name, first, partitions }: UnfinishedTopic, of: PartitionFolder): boolean {
  return name === of.topic && of.partition >= first && of.partition < partitions;
}

/** Kafka's name for such folders. Long topic names are shortened. */
function markedName({ topic, topicId, partition }: PartitionFolder, mark: '-delete' | '-stray'): string {
  const end = `-${partition}.${topicId}${mark}`;
  return `${topic.slice(0, LONGEST_FILE_NAME - end.length)}${end}`;
}
