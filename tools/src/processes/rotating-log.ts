import { type FileHandle, open, rename } from 'node:fs/promises';
import { Writable } from 'node:stream';

/** A log file is renamed to `<name>.1` at this size, replacing the previous one. */
const MAX_FILE_BYTES = 10 * 1024 * 1024;

/**
 * Appends to a file that, with its predecessor, never exceeds twice `maxBytes`. Lines that cannot be written are dropped,
 * and `onTrouble` is called once until writing succeeds again: a full disk must not block the process that logs.
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
