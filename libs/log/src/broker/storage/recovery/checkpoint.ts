import type { FileSystem } from '../files/file-system.js';
import { partitionName } from '../../../protocol/topic-partition.js';

const VERSION = '0';

/** Offsets by folder name of a partition (`topic-0`). */
export type Checkpoint = Map<string, bigint>;

/** One line of a checkpoint. */
export interface CheckpointEntry {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

/*
 * Kafka's checkpoint files: a version, the number of entries, and one `topic partition offset` per line.
 */

/** Reads a checkpoint. An unreadable file is treated as missing: recovery then checks everything. */
export async function readCheckpoint(files: FileSystem, file: string): Promise<Checkpoint> {
  const contents = await files.readFile(file);
  const [version, count, ...lines] = contents?.toString().trimEnd().split('\n') ?? [];
  if (version !== VERSION || Number(count) !== lines.length) return new Map();
  const offsets: Checkpoint = new Map();
  for (const line of lines) {
    const [topic, partition, offset] = line.split(' ');
    if (offset === undefined || !/^\d+$/.test(offset)) return new Map();
    offsets.set(partitionName(topic ?? '', Number(partition)), BigInt(offset));
  }
  return offsets;
}

export async function writeCheckpoint(
  files: FileSystem,
  file: string,
  offsets: readonly CheckpointEntry[],
): Promise<void> {
  const lines = offsets.map(({ topic, partition, offset }) => `${topic} ${partition} ${offset}`);
  await files.replaceFile(file, `${[VERSION, lines.length, ...lines].join('\n')}\n`);
}
