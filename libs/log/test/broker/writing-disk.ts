import type { FileSystem } from '../../src/broker/index.js';
import { nodeFileSystem, type LogFile } from '../../src/broker/storage/files/file-system.js';

/** The disk of this machine, with intercepted writes. */
export function diskThatWrites(
  write: (file: string, real: LogFile, ...to: Parameters<LogFile['write']>) => Promise<void>,
) {
  return {
    ...nodeFileSystem,
    async open(file: string) {
      const real = await nodeFileSystem.open(file);
      return {
        read: (buffer: Buffer, position: number, cached?: boolean) => real.read(buffer, position, cached),
        sizeBytes: () => real.sizeBytes(),
        truncate: (size: number) => real.truncate(size),
        sync: () => real.sync(),
        close: () => real.close(),
        write: (buffers: readonly Buffer[], position: number) => write(file, real, buffers, position),
      };
    },
  } satisfies FileSystem;
}
