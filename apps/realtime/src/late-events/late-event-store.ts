import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeLateEvents, type LateBlock, type LateEvent } from './late-event.js';

/** A file is continued until it has this size. */
const SEGMENT_BYTES = 4_194_304;

const NAME = /^late-(\d{12})$/;

/**
 * The late events of a folder of keyframes: a copy of their records, so that a moment does not have to read all of the log up
 * to where the last of them was received. The list of the blocks is kept by the caller.
 */
export class LateEventStore {
  /** In the order of writing. */
  private blocks: LateBlock[] = [];

  constructor(
    private readonly folder: string,
    private readonly maxBytes: number,
  ) {}

  /** Removes files that have none of the blocks. */
  async open(blocks: readonly LateBlock[]): Promise<void> {
    this.blocks = [...blocks];
    await this.removeUnused();
  }

  list(): readonly LateBlock[] {
    return this.blocks;
  }

  get sizeBytes(): number {
    return this.blocks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  get isFull(): boolean {
    return this.sizeBytes >= this.maxBytes;
  }

  fileOf({ segment }: LateBlock): string {
    return join(this.folder, `late-${String(segment).padStart(12, '0')}`);
  }

  /** Writes a block to the disk. It is part of the store once it is added; until then, the next one replaces it. */
  async write(keyframe: number, events: readonly LateEvent[]): Promise<LateBlock> {
    const last = this.blocks.at(-1);
    const end = last === undefined ? 0 : last.position + last.sizeBytes;
    const continued = last !== undefined && end < SEGMENT_BYTES ? last : null;
    const position = continued === null ? 0 : end;
    const bytes = encodeLateEvents(events);
    const block: LateBlock = {
      keyframe,
      segment: continued?.segment ?? keyframe,
      position,
      sizeBytes: bytes.length,
      earliest: events.reduce((earliest, { time }) => Math.min(earliest, time), Number.POSITIVE_INFINITY),
    };
    const handle = await open(this.fileOf(block), 'a');
    try {
      await handle.truncate(position);
      await handle.appendFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    return block;
  }

  add(block: LateBlock): void {
    this.blocks.push(block);
  }

  /** Drops the blocks up to that of a keyframe, which contains their events. */
  async forget(keyframe: number): Promise<void> {
    const kept = this.blocks.filter((block) => block.keyframe > keyframe);
    if (kept.length === this.blocks.length) return;
    this.blocks = kept;
    await this.removeUnused();
  }

  private async removeUnused(): Promise<void> {
    const used = new Set(this.blocks.map(({ segment }) => segment));
    for (const name of await readdir(this.folder)) {
      const segment = NAME.exec(name)?.[1];
      if (segment !== undefined && !used.has(Number(segment))) {
        await rm(join(this.folder, name), { force: true });
      }
    }
  }
}

/** Reads a block from its file. */
export async function readLateBlock(
  file: string,
  { position, sizeBytes }: Pick<LateBlock, 'position' | 'sizeBytes'>,
): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(sizeBytes), 0, sizeBytes, position);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
