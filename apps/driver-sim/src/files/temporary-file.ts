import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file without a name, if the system allows that: it ends with the process, however that ends. */
export class TemporaryFile implements AsyncDisposable {
  private sizeBytes = 0;

  private constructor(
    private readonly folder: string,
    private readonly handle: FileHandle,
  ) {}

  static async create(): Promise<TemporaryFile> {
    const folder = await mkdtemp(join(tmpdir(), 'hailstream-replay-'));
    const handle = await open(join(folder, 'runs'), 'wx+');
    // Windows does not remove open files; the folder is removed at the end then.
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
    return new TemporaryFile(folder, handle);
  }

  /** Returns where the bytes are. */
  async append(bytes: Buffer): Promise<number> {
    const start = this.sizeBytes;
    for (let written = 0; written < bytes.length;) {
      const { bytesWritten } = await this.handle.write(
        bytes,
        written,
        bytes.length - written,
        start + written,
      );
      written += bytesWritten;
    }
    this.sizeBytes += bytes.length;
    return start;
  }

  /** Fills the buffer with what is at that place. */
  async read(into: Buffer, place: number): Promise<void> {
    for (let done = 0; done < into.length;) {
      const { bytesRead } = await this.handle.read(into, done, into.length - done, place + done);
      if (bytesRead === 0) throw new RangeError('read past the end of the temporary file');
      done += bytesRead;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.handle.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
