import * as path from 'node:path';
import type { FileSystem } from '../files/file-system.js';

/** File with the next producer id to reserve. */
export const PRODUCER_IDS_FILE = 'producer-ids.json';
/** Ids reserved per write. A restart skips the rest of a block. */
const BLOCK = 1000n;

/** Assigns unique ids to producers. */
export class ProducerIds {
  private blockEnd: bigint;
  private reserving: Promise<void> | undefined;

  private constructor(
    private readonly files: FileSystem,
    private readonly file: string,
    private nextId: bigint,
  ) {
    this.blockEnd = nextId;
  }

  static async open(files: FileSystem, dataDir: string): Promise<ProducerIds> {
    const file = path.join(dataDir, PRODUCER_IDS_FILE);
    const contents = await files.readFile(file);
    const next =
      contents === undefined ? 0n : BigInt((JSON.parse(contents.toString()) as { next: string }).next);
    return new ProducerIds(files, file, next);
  }

  async next(): Promise<bigint> {
    while (this.nextId >= this.blockEnd) {
      this.reserving ??= this.reserve().finally(() => {
        this.reserving = undefined;
      });
      await this.reserving;
    }
    return this.nextId++;
  }

  private async reserve(): Promise<void> {
    const end = this.blockEnd + BLOCK;
    await this.files.replaceFile(this.file, `${JSON.stringify({ next: String(end) })}\n`);
    this.blockEnd = end;
  }
}
