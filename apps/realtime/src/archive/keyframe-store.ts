import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeKeyframe, encodeKeyframe, type KeyframeHeader } from './keyframe.js';
import { TEMPORARY, writeWhole } from './whole-file.js';

/** Maximum number of keyframes in a folder. */
const MAX_KEYFRAMES = 4_000;

const NAME = /^(\d{12})\.keyframe$/;

/** A keyframe in a folder. Numbers ascend in the order of writing. */
interface StoredKeyframe {
  readonly number: number;
  readonly file: string;
  readonly sizeBytes: number;
}

/** The keyframes in a folder. A file is complete as soon as it has its name. The caller locks the folder. */
export class KeyframeStore {
  private stored: StoredKeyframe[] = [];
  /** The highest number, also of keyframes that were removed. */
  private last = 0;

  constructor(readonly folder: string) {}

  /** Lists the keyframes of the folder, and removes files that were not completed. */
  async open(): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    // Thousands of files: one after the other, they would take most of the time of a start.
    const stored = await Promise.all((await readdir(this.folder)).map((name) => this.look(name)));
    this.stored = stored.filter((each) => each !== null).sort((a, b) => a.number - b.number);
    this.last = Math.max(this.last, this.stored.at(-1)?.number ?? 0);
  }

  /** The keyframe with a file name; `null` for other files. */
  private async look(name: string): Promise<StoredKeyframe | null> {
    const file = join(this.folder, name);
    if (name.endsWith(TEMPORARY)) await rm(file, { force: true });
    const number = NAME.exec(name)?.[1];
    return number === undefined ? null : { number: Number(number), file, sizeBytes: (await stat(file)).size };
  }

  /** Oldest first. */
  list(): readonly StoredKeyframe[] {
    return this.stored;
  }

  /** The number of the keyframe that is written next. */
  get nextNumber(): number {
    return this.last + 1;
  }

  get sizeBytes(): number {
    return this.stored.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  /** @throws KeyframeError if the file is damaged or has another version */
  async read({ file }: StoredKeyframe): Promise<ReturnType<typeof decodeKeyframe>> {
    return decodeKeyframe(await readFile(file));
  }

  /** Whether keyframes have to be removed because there are too many. */
  get isOverfull(): boolean {
    return this.stored.length > MAX_KEYFRAMES;
  }

  async write(header: KeyframeHeader, city: Buffer): Promise<StoredKeyframe> {
    const number = this.nextNumber;
    const file = join(this.folder, `${String(number).padStart(12, '0')}.keyframe`);
    const sizeBytes = await writeWhole(file, encodeKeyframe(header, city));
    const keyframe = { number, file, sizeBytes };
    this.stored.push(keyframe);
    this.last = number;
    return keyframe;
  }

  async remove(keyframes: readonly StoredKeyframe[]): Promise<void> {
    this.stored = this.stored.filter((each) => !keyframes.includes(each));
    for (const { file } of keyframes) await rm(file, { force: true });
  }
}
