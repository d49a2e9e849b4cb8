import * as path from 'node:path';
import type { FileSystem } from '../files/file-system.js';

/** Names the topics of a data folder, and what was altered of the broker's settings. */
export const TOPICS_FILE = 'topics.json';

/** What the file says. */
export interface StoredTopics {
  readonly clusterId: string;
  /** Altered while running: of this broker, and of all. */
  readonly brokerSettings: Record<string, string>;
  readonly allBrokersSettings?: Record<string, string>;
  readonly topics: readonly StoredTopic[];
  /** Changes under way: the folders of these partitions are removed at the next start. */
  readonly unfinished?: readonly UnfinishedTopic[];
}

/** Partitions from `first` to before `partitions` that are being created or deleted. */
export interface UnfinishedTopic {
  readonly name: string;
  readonly id: string;
  readonly first: number;
  readonly partitions: number;
}

/** A topic as it is written down. */
export interface StoredTopic {
  readonly name: string;
  readonly id: string;
  readonly partitions: number;
  readonly settings: Record<string, string>;
}

/** @returns undefined where there is no such file */
export async function readTopics(files: FileSystem, dataDir: string): Promise<StoredTopics | undefined> {
  const contents = await files.readFile(path.join(dataDir, TOPICS_FILE));
  return contents && (JSON.parse(contents.toString()) as StoredTopics);
}

export async function writeTopics(files: FileSystem, dataDir: string, stored: StoredTopics): Promise<void> {
  await files.replaceFile(path.join(dataDir, TOPICS_FILE), `${JSON.stringify(stored, undefined, 2)}\n`);
}
