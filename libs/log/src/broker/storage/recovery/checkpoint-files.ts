import * as path from 'node:path';
import { partitionName } from '../../../protocol/topic-partition.js';
import { readCheckpoint, writeCheckpoint, type Checkpoint, type CheckpointEntry } from './checkpoint.js';
import type { FileSystem } from '../files/file-system.js';

export const RECOVERY_FILE = 'recovery-point-offset-checkpoint';
export const START_FILE = 'log-start-offset-checkpoint';
export const CLEANER_FILE = 'cleaner-offset-checkpoint';
/** Not a file of Kafka: offsets before which compaction may leave gaps, written before it does. */
export const GAPS_FILE = 'compaction-gaps-checkpoint';

export const CHECKPOINT_FILES = [RECOVERY_FILE, START_FILE, CLEANER_FILE, GAPS_FILE] as const;
type CheckpointFile = (typeof CHECKPOINT_FILES)[number];

/** Exists after a clean shutdown, while no broker runs. */
export const CLEAN_FILE = '.kafka_cleanshutdown';

/** The checkpoints of all partitions. */
export interface Checkpoints {
  readonly recovery: Checkpoint;
  readonly start: Checkpoint;
  readonly cleaned: Checkpoint;
  readonly gaps: Checkpoint;
}

/** The checkpoints of new partitions. */
export const NO_CHECKPOINTS: Checkpoints = {
  recovery: new Map(),
  start: new Map(),
  cleaned: new Map(),
  gaps: new Map(),
};

export async function readCheckpoints(files: FileSystem, dataDir: string): Promise<Checkpoints> {
  const read = (file: string) => readCheckpoint(files, path.join(dataDir, file));
  return {
    recovery: await read(RECOVERY_FILE),
    start: await read(START_FILE),
    cleaned: await read(CLEANER_FILE),
    gaps: await read(GAPS_FILE),
  };
}

/** A partition's offsets that checkpoints keep. */
interface CheckpointedLog {
  readonly recoveryPoint: bigint;
  readonly logStartOffset: bigint;
  readonly cleanedBefore: bigint;
  readonly gapsBefore: bigint;
}

/** The checkpoint that each file stores. */
const CHECKPOINT_IN: Record<CheckpointFile, keyof Checkpoints> = {
  [RECOVERY_FILE]: 'recovery',
  [START_FILE]: 'start',
  [CLEANER_FILE]: 'cleaned',
  [GAPS_FILE]: 'gaps',
};

/** The offset of a partition that each file stores. */
const OFFSET_IN: Record<CheckpointFile, (log: CheckpointedLog) => bigint> = {
  [RECOVERY_FILE]: (log) => log.recoveryPoint,
  [START_FILE]: (log) => log.logStartOffset,
  [CLEANER_FILE]: (log) => log.cleanedBefore,
  [GAPS_FILE]: (log) => log.gapsBefore,
};

/** Writes the checkpoint files. */
export class CheckpointWriter {
  private last: Promise<void> = Promise.resolve();

  constructor(
    private readonly at: { readonly files: FileSystem; readonly dataDir: string },
    private readonly topics: () => readonly { name: string; partitions: readonly CheckpointedLog[] }[],
  ) {}

  /** Writes all files. The offsets of a deleted topic must not apply to a later one of the same name. */
  async saveAll(): Promise<void> {
    for (const file of CHECKPOINT_FILES) await this.save(file);
  }

  /** Writes the files whose offsets differ from those that were read. */
  async saveChanged(read: Checkpoints): Promise<void> {
    for (const file of CHECKPOINT_FILES) {
      const known = read[CHECKPOINT_IN[file]];
      const entries = this.entries(file);
      const isSame = ({ topic, partition, offset }: CheckpointEntry) =>
        known.get(partitionName(topic, partition)) === offset;
      if (entries.length !== known.size || !entries.every(isSame)) await this.save(file);
    }
  }

  /** Writes one file. Writes are not concurrent. */
  save(file: CheckpointFile): Promise<void> {
    const written = this.last.then(() => this.write(file));
    this.last = written.catch(() => undefined);
    return written;
  }

  private async write(file: CheckpointFile): Promise<void> {
    await writeCheckpoint(this.at.files, path.join(this.at.dataDir, file), this.entries(file));
  }

  private entries(file: CheckpointFile): CheckpointEntry[] {
    return this.topics().flatMap(({ name, partitions }) =>
      partitions.map((log, partition) => ({ topic: name, partition, offset: OFFSET_IN[file](log) })),
    );
  }
}
