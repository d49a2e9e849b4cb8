import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TripPack, tripPackId } from '../fold/trip-pack.js';
import { KeyframeError } from './keyframe.js';
import { writeWhole } from './whole-file.js';

const NAME = /^trips-([\da-f]{32})$/;

/**
 * The packs of trips that the keyframes of a folder refer to, one per file. Many keyframes refer to the same pack, which is
 * written before the first and removed after the last of them. The caller locks the folder.
 */
export class TripPackStore {
  /** By the id of the pack. */
  private readonly sizes = new Map<string, number>();

  constructor(private readonly folder: string) {}

  /** Lists the packs of the folder. */
  async open(): Promise<void> {
    this.sizes.clear();
    const ids = (await readdir(this.folder)).flatMap((name) => NAME.exec(name)?.[1] ?? []);
    const sizes = await Promise.all(ids.map(async (id) => (await stat(fileOf(this.folder, id))).size));
    for (const [at, id] of ids.entries()) this.sizes.set(id, sizes[at]!);
  }

  has(id: string): boolean {
    return this.sizes.has(id);
  }

  get sizeBytes(): number {
    let sum = 0;
    for (const sizeBytes of this.sizes.values()) sum += sizeBytes;
    return sum;
  }

  /** Writes the packs that the folder does not have. */
  async write(packs: Iterable<TripPack>): Promise<void> {
    for (const { id, bytes } of packs) {
      if (this.has(id)) continue;
      this.sizes.set(id, await writeWhole(fileOf(this.folder, id), [bytes]));
    }
  }

  /** Removes the packs that no keyframe refers to. */
  async retain(used: ReadonlySet<string>): Promise<void> {
    for (const id of this.sizes.keys()) {
      if (used.has(id)) continue;
      await rm(fileOf(this.folder, id), { force: true });
      this.sizes.delete(id);
    }
  }
}

/** @throws KeyframeError if the pack is missing or damaged */
export async function readTripPack(folder: string, id: string): Promise<TripPack> {
  const bytes = await readFile(fileOf(folder, id)).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw cause;
    throw new KeyframeError(`the pack of trips ${id} is missing`, 'KEYFRAME_INVALID', { cause });
  });
  if (tripPackId(bytes) !== id) throw new KeyframeError(`the pack of trips ${id} is damaged`);
  return new TripPack(bytes, id);
}

function fileOf(folder: string, id: string): string {
  return join(folder, `trips-${id}`);
}
