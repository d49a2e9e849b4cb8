import type { FileSystem, LogFile } from './file-system.js';

/** What is told of the disk. */
export interface DiskWatcher {
  synced(seconds: number): void;
  /** Something could not be written. */
  failed(error: unknown): void;
  /** Records were written. */
  wrote(): void;
}

/** A file system that tells how its writes and syncs go. */
export function watchedFiles(files: FileSystem, watcher: DiskWatcher): FileSystem {
  const watch = async (work: Promise<void>): Promise<void> => {
    try {
      await work;
    } catch (error) {
      watcher.failed(error);
      throw error;
    }
  };
  const watched = (file: LogFile): LogFile => ({
    async write(buffers, position) {
      await watch(file.write(buffers, position));
      watcher.wrote();
    },
    read: (buffer, position) => file.read(buffer, position),
    sizeBytes: () => file.sizeBytes(),
    truncate: (sizeBytes) => file.truncate(sizeBytes),
    async sync() {
      const started = performance.now();
      await watch(file.sync());
      watcher.synced((performance.now() - started) / 1000);
    },
    close: () => file.close(),
  });
  return {
    open: async (file, how) => watched(await files.open(file, how)),
    readFile: (file) => files.readFile(file),
    replaceFile: (file, contents) => watch(files.replaceFile(file, contents)),
    list: (folder) => files.list(folder),
    makeFolder: (folder) => files.makeFolder(folder),
    remove: (file) => files.remove(file),
    removeFolder: (folder) => files.removeFolder(folder),
    syncFolder: (folder) => files.syncFolder(folder),
    rename: (from, to) => files.rename(from, to),
    volume: (folder) => files.volume(folder),
  };
}
