import type { LogFile } from '../../../src/broker/storage/files/file-system.js';
import { Disk } from '../power/disk.js';

/** The range of calls that fail. */
export interface Fault {
  /** Number of calls that still succeed. */
  readonly after: number;
  readonly calls: number;
  readonly code: 'ENOSPC' | 'EIO';
  /**
   * Only matching calls are counted and fail. A call is described as `write /data/topic-0/00000000000000000000.log`.
   */
  readonly like?: RegExp;
}

/** A disk on which all calls except reads fail for a while. A failed write stores half of its bytes. */
export class FailingDisk extends Disk {
  private fault: Fault | undefined;
  private sinceFault = 0;
  failures = 0;

  failWith(fault: Fault): void {
    this.fault = fault;
    this.sinceFault = 0;
  }

  heal(): void {
    this.fault = undefined;
  }

  override async open(file: string, how?: { existing: boolean }): Promise<LogFile> {
    this.call(`open ${file}`);
    const opened = await super.open(file, how);
    return {
      ...opened,
      write: async (buffers, position) => {
        const error = this.errorOf(`write ${file}`);
        if (error === undefined) return opened.write(buffers, position);
        const bytes = Buffer.concat(buffers);
        await opened.write([bytes.subarray(0, bytes.length / 2)], position);
        throw error;
      },
      truncate: async (sizeBytes) => {
        this.call(`truncate ${file}`);
        await opened.truncate(sizeBytes);
      },
      sync: async () => {
        this.call(`sync ${file}`);
        await opened.sync();
      },
    };
  }

  override async list(folder: string): Promise<string[]> {
    this.call(`list ${folder}`);
    return super.list(folder);
  }

  override async makeFolder(folder: string): Promise<void> {
    this.call(`mkdir ${folder}`);
    await super.makeFolder(folder);
  }

  override async remove(target: string): Promise<void> {
    this.call(`remove ${target}`);
    await super.remove(target);
  }

  override async removeFolder(folder: string): Promise<boolean> {
    this.call(`remove ${folder}`);
    return super.removeFolder(folder);
  }

  override async rename(from: string, to: string): Promise<void> {
    this.call(`rename ${from} ${to}`);
    await super.rename(from, to);
  }

  override async syncFolder(folder: string): Promise<void> {
    this.call(`sync ${folder}`);
    await super.syncFolder(folder);
  }

  private call(what: string): void {
    const error = this.errorOf(what);
    if (error !== undefined) throw error;
  }

  private errorOf(what: string): Error | undefined {
    if (this.fault === undefined) return undefined;
    const { after, calls, code, like } = this.fault;
    if (like !== undefined && !like.test(what)) return undefined;
    const number = this.sinceFault++;
    if (number < after || number >= after + calls) return undefined;
    this.failures++;
    return Object.assign(new Error(`${code}: ${what}`), { code, syscall: what.split(' ')[0] });
  }
}
