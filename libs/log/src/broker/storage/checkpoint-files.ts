import * as path from 'node:path';
import { readCheckpoint, type Checkpoint } from './checkpoint.js';
import type { FileSystem } from './file-system.js';

export const RECOVERY_FILE = 'recovery-point-offset-checkpoint';
export const START_FILE = 'log-start-offset-checkpoint';
export const CLEANER_FILE = 'cleaner-offset-checkpoint';
/** Ours: where offsets may be missing, noted before the first one is. */
export const GAPS_FILE = 'compaction-gaps-checkpoint';

/** What the last run left of every partition. */
export interface Checkpoints {
  readonly recovery: Checkpoint;
  readonly start: Checkpoint;
  readonly cleaned: Checkpoint;
  readonly gaps: Checkpoint;
}

/** Of a partition that is new. */
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
