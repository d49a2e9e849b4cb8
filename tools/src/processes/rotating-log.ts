import { type FileHandle, open, rename } from 'node:fs/promises';
import { Writable } from 'node:stream';

/** A log file is put aside as `<name>.1` at this size; what was put aside before is replaced. */
const MAX_FILE_BYTES = 10 * 1024 * 1024;

/**
 * Appends to a file that never takes more than twice `maxBytes` of disk. What can't be written is dropped and
 * `onTrouble` told, once until it works again: whoever logs must not stand still because the disk is full.
 */
export class RotatingLog extends Writable {
  private file: FileHandle | undefined;
  private sizeBytes = 0;
  private troubled = false;

  constructor(
    readonly path: string,
    private readonly onTrouble: (error: Error) => void,
    private readonly maxBytes = MAX_FILE_BYTES,
  ) {
    super({ decodeStrings: true });
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.append(chunk).then(
      () => {
        this.troubled = false;
        done();
      },
      (error: Error) => {
        if (!this.troubled) this.onTrouble(error);
        this.troubled = true;
        done();
      },
    );
  }

  override _final(done: (error?: Error | null) => void): void {
    const closed = this.file?.close() ?? Promise.resolve();
    closed.then(() => done(), done);
  }

  private async append(chunk: Buffer): Promise<void> {
    if (this.sizeBytes > 0 && this.sizeBytes + chunk.length > this.maxBytes) {
      await this.file?.close();
      this.file = undefined;
      await rename(this.path, `${this.path}.1`);
    }
    if (this.file === undefined) {
      this.file = await open(this.path, 'a', 0o600);
      this.sizeBytes = (await this.file.stat()).size;
    }
    await this.file.appendFile(chunk);
    this.sizeBytes += chunk.length;
  }
}
