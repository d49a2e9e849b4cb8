import * as path from 'node:path';
import type { FileSystem } from '../files/file-system.js';

/** File with the topics of a data directory, and the altered broker settings. */
export const TOPICS_FILE = 'topics.json';

/** Contents of the file. */
export interface StoredTopics {
  readonly clusterId: string;
  /** Settings altered at run time: of this broker, and of all brokers. */
  readonly brokerSettings: Record<string, string>;
  readonly allBrokersSettings?: Record<string, string>;
  readonly topics: readonly StoredTopic[];
  /** Unfinished changes: the folders of these partitions are removed at the next start. */
  readonly unfinished?: readonly UnfinishedTopic[];
}

/** Partitions from `first` to before `partitions` that are being created or deleted. */
export interface UnfinishedTopic {
  readonly name: string;
  readonly id: string;
  readonly first: number;
  readonly partitions: number;
}

/** A topic in the file. */
export interface StoredTopic {
  readonly name: string;
  readonly id: string;
  readonly partitions: number;
  readonly settings: Record<string, string>;
}

/** @returns undefined if the file does not exist */
export async function readTopics(files: FileSystem, dataDir: string): Promise<StoredTopics | undefined> {
  const contents = await files.readFile(path.join(dataDir, TOPICS_FILE));
  return contents && (JSON.parse(contents.toString()) as StoredTopics);
}

export async function writeTopics(files: FileSystem, dataDir: string, stored: StoredTopics): Promise<void> {
  await files.replaceFile(path.join(dataDir, TOPICS_FILE), `${JSON.stringify(stored, undefined, 2)}\n`);
}
