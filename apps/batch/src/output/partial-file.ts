import { access, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { OutputError } from './output.errors.js';

interface PartialFileOptions {
  /** Whether a file with the final name is replaced. */
  readonly overwrites: boolean;
}

/**
 * A file that gets its name once it is complete. Until then its name ends with `.partial-` and the process id. Disposing of an
 * incomplete file deletes it.
 */
export class PartialFile implements AsyncDisposable {
  private size = 0;
  private isPublished = false;

  private constructor(
    private readonly path: string,
    private readonly partialPath: string,
    private readonly handle: FileHandle,
    private readonly options: PartialFileOptions,
  ) {}

  /** @throws OutputError if the file exists and is not to be replaced, or cannot be created */
  static async create(path: string, options: PartialFileOptions): Promise<PartialFile> {
    await refuseExisting(path, options);
    const partialPath = `${path}.partial-${process.pid}`;
    try {
      return new PartialFile(path, partialPath, await open(partialPath, 'w'), options);
    } catch (error) {
      throw new OutputError(`--out: cannot create ${path}: ${(error as Error).message}`, { cause: error });
    }
  }

  /** Number of bytes that were written. */
  get sizeBytes(): number {
    return this.size;
  }

  /** Appends bytes. They are borrowed until the promise resolves. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let start = 0; start < bytes.length;) {
      const { bytesWritten } = await this.handle.write(bytes, start);
      start += bytesWritten;
    }
    this.size += bytes.length;
  }

  /** Stores the file on the disk and gives it its name. */
  async publish(): Promise<void> {
    await this.handle.sync();
    await refuseExisting(this.path, this.options);
    await rename(this.partialPath, this.path);
    this.isPublished = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.handle.close();
    if (!this.isPublished) await rm(this.partialPath, { force: true });
  }
}

async function refuseExisting(path: string, { overwrites }: PartialFileOptions): Promise<void> {
  if (overwrites || !(await exists(path))) return;
  throw new OutputError(`--out: ${path} exists: choose another name, or add --force to replace it`);
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
