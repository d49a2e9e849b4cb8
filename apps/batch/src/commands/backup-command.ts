import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { parseOptions, UsageError } from '@hailstream/service/command-line';
import { BackupError } from '../backup/backup.errors.js';
import { restoreBackup } from '../backup/restore-backup.postgres.js';
import { writeBackup } from '../backup/write-backup.postgres.js';
import { POOL, type Pool } from '../database/pool.postgres.js';
import { SchemaMigrator } from '../database/schema-migrator.service.js';
import { PartialFile } from '../output/partial-file.js';
import type { CommandContext } from './command.module.js';
import { LineProgress } from './line-progress.js';

export const BACKUP_USAGE = [
  'backup --out FILE [--force] [--json]',
  '    writes all tables as of one moment to a compressed file, also while loads run. --force replaces an existing file',
  'restore --from FILE [--json]',
  '    restores a backup into a database without rows, in one transaction. The next load continues at its positions',
];

/** Fast: a backup is limited by the compression. */
const COMPRESSION_LEVEL = 1;

interface BackupArgs {
  readonly file: string;
  readonly isForced: boolean;
  readonly isJson: boolean;
}

/** @throws UsageError */
export function parseBackupArgs(args: readonly string[]): BackupArgs {
  const options = { out: { type: 'string' }, force: { type: 'boolean' }, json: { type: 'boolean' } } as const;
  const { out = '', force = false, json = false } = parseOptions(args, options);
  if (out === '') throw new UsageError('backup --out: expected the name of a file, got ""');
  return { file: out, isForced: force, isJson: json };
}

/** @throws UsageError */
export function parseRestoreArgs(args: readonly string[]): Omit<BackupArgs, 'isForced'> {
  const options = { from: { type: 'string' }, json: { type: 'boolean' } } as const;
  const { from = '', json = false } = parseOptions(args, options);
  if (from === '') throw new UsageError('restore --from: expected the name of a file, got ""');
  return { file: from, isJson: json };
}

/** Runs `backup` and returns the exit code. */
export async function runBackup(
  app: CommandContext,
  { file: path, isForced, isJson }: BackupArgs,
  signal: AbortSignal,
): Promise<number> {
  const startedAt = performance.now();
  await using file = await PartialFile.create(path, { overwrites: isForced });
  using progress = new LineProgress(process.stderr);
  const gzip = createGzip({ level: COMPRESSION_LEVEL });
  const compressed = pipeline(gzip, async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) await file.write(chunk);
  });
  const write = async (bytes: Buffer): Promise<void> => {
    if (!gzip.write(bytes)) await Promise.race([drained(gzip), compressed]);
  };
  // A write error is thrown by the next write that waits, or at the end.
  compressed.catch(() => undefined);
  const { tables, rows } = await writeBackup(app.get<Pool>(POOL), {
    write,
    signal,
    onProgress: (state) =>
      progress.show(`ride.${state.table}: ${state.rows} rows, ${Math.floor(state.share * 100)} %`),
  });
  gzip.end();
  await compressed;
  await file.publish();
  const seconds = Math.round(performance.now() - startedAt) / 1_000;
  const result = { tables, rows, bytes: file.sizeBytes, file: path, seconds };
  const text = `${rows} rows of ${tables} tables, ${file.sizeBytes} bytes, in ${path}`;
  process.stdout.write(`${isJson ? JSON.stringify(result) : text}\n`);
  return 0;
}

/** Runs `restore` and returns the exit code. */
export async function runRestore(
  app: CommandContext,
  { file, isJson }: Omit<BackupArgs, 'isForced'>,
  signal: AbortSignal,
): Promise<number> {
  const startedAt = performance.now();
  using progress = new LineProgress(process.stderr);
  const restored = await restoreFile(app, file, {
    signal,
    onProgress: ({ table, rows }) => progress.show(`ride.${table}: ${rows} rows`),
  });
  await app.get(SchemaMigrator).migrate();
  const { tables, rows, createdAt } = restored;
  const seconds = Math.round(performance.now() - startedAt) / 1_000;
  const text = `${rows} rows of ${tables} tables, as of ${createdAt}`;
  process.stdout.write(`${isJson ? JSON.stringify({ tables, rows, createdAt, seconds }) : text}\n`);
  return 0;
}

async function restoreFile(
  app: CommandContext,
  file: string,
  options: Parameters<typeof restoreBackup>[2],
): ReturnType<typeof restoreBackup> {
  // The checksum is at the end of the file: without this pass, damaged content would reach the database first.
  await decompress(file, async (content) => {
    for await (const _ of content) options.signal.throwIfAborted();
  });
  return decompress(file, (content) => restoreBackup(app.get<Pool>(POOL), content, options));
}

/** @throws BackupError if the file does not exist, is not a gzip file or its checksum is wrong; else what `read` throws */
async function decompress<T>(file: string, read: (content: AsyncIterable<Buffer>) => Promise<T>): Promise<T> {
  const gunzip = createGunzip();
  const source = createReadStream(file);
  source.once('error', (error) => gunzip.destroy(error));
  source.pipe(gunzip);
  try {
    return await read(gunzip);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new BackupError(`--from: ${file} does not exist`, { cause: error });
    if (code === 'Z_DATA_ERROR' || code === 'Z_BUF_ERROR') {
      throw new BackupError(`${file} is not a complete backup: ${(error as Error).message}`, {
        cause: error,
      });
    }
    throw error;
  } finally {
    source.destroy();
    gunzip.destroy();
  }
}

function drained(stream: NodeJS.WritableStream): Promise<void> {
  return new Promise((resolve) => stream.once('drain', resolve));
}
