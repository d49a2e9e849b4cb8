import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A temporary file. It is unlinked while open if the system allows that, so that it does not outlive the process. */
export class TemporaryFile implements AsyncDisposable {
  private sizeBytes = 0;

  private constructor(
    private readonly folder: string,
    private readonly handle: FileHandle,
  ) {}

  static async create(): Promise<TemporaryFile> {
    const folder = await mkdtemp(join(tmpdir(), 'hailstream-replay-'));
    const handle = await open(join(folder, 'runs'), 'wx+');
    // Windows cannot remove open files: the folder is removed on disposal.
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
    return new TemporaryFile(folder, handle);
  }

  /** Appends bytes and returns their position. */
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

  /** Fills the buffer with the bytes at a position. */
  async read(into: Buffer, position: number): Promise<void> {
    for (let done = 0; done < into.length;) {
      const { bytesRead } = await this.handle.read(into, done, into.length - done, position + done);
      if (bytesRead === 0) throw new RangeError('read past the end of the temporary file');
      done += bytesRead;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.handle.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
