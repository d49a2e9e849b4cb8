import * as path from 'node:path';
import type { FileSystem } from '../files/file-system.js';

/** Says which ids were taken. */
export const PRODUCER_IDS_FILE = 'producer-ids.json';
/** Ids taken at once, so that most requests write nothing; a restart skips what is left of a block. */
const BLOCK = 1000n;

/** Gives every idempotent producer an id that none had before. */
export class ProducerIds {
  private blockEnd: bigint;
  private reserving: Promise<void> | undefined;

  private constructor(
    private readonly files: FileSystem,
    private readonly file: string,
    private next: bigint,
  ) {
    this.blockEnd = next;
  }

  static async open(files: FileSystem, dataDir: string): Promise<ProducerIds> {
    const file = path.join(dataDir, PRODUCER_IDS_FILE);
    const contents = await files.readFile(file);
    const next =
      contents === undefined ? 0n : BigInt((JSON.parse(contents.toString()) as { next: string }).next);
    return new ProducerIds(files, file, next);
  }

  async take(): Promise<bigint> {
    while (this.next >= this.blockEnd) {
      this.reserving ??= this.reserve().finally(() => {
        this.reserving = undefined;
      });
      await this.reserving;
    }
    return this.next++;
  }

  private async reserve(): Promise<void> {
    const end = this.blockEnd + BLOCK;
    await this.files.replaceFile(this.file, `${JSON.stringify({ next: String(end) })}\n`);
    this.blockEnd = end;
  }
}
