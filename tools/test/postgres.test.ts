import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startPostgres } from '../src/postgres.js';

const START_TIMEOUT_MS = 60_000;

let folder: string;
let dataDir: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hailstream-postgres-'));
  // Where we are root, the server is another user, who has to get to its folder.
  await chmod(folder, 0o711);
  dataDir = join(folder, 'data');
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<unknown[]>({ text: sql, rowMode: 'array' })).rows;
  } finally {
    await client.end();
  }
}

describe('startPostgres', () => {
  it(
    'keeps what was written, through an orderly stop, a kill, and an owner that left it running',
    async () => {
      const first = await startPostgres({ dataDir, port: 0 });
      await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
      await first[Symbol.asyncDispose]();

      const second = await startPostgres({ dataDir, port: 0 });
      expect(await query(second.url, 'SELECT answer FROM kept')).toEqual([[42]]);
      const pid = Number((await readFile(join(dataDir, 'cluster/postmaster.pid'), 'utf8')).split('\n')[0]);
      process.kill(pid, 'SIGKILL');

      const third = await startPostgres({ dataDir, port: 0 });
      expect(await query(third.url, 'SELECT answer FROM kept')).toEqual([[42]]);

      await using fourth = await startPostgres({ dataDir, port: 0 });
      expect(await query(fourth.url, 'SELECT answer FROM kept')).toEqual([[42]]);
      await expect(query(third.url, 'SELECT 1')).rejects.toThrow(/ECONNREFUSED/);
    },
    START_TIMEOUT_MS,
  );

  it(
    'lets nobody in without the password, and listens on 127.0.0.1 alone',
    async () => {
      await using postgres = await startPostgres({ dataDir, port: 0 });
      const url = new URL(postgres.url);
      url.password = 'guessed';
      await expect(query(url.href, 'SELECT 1')).rejects.toThrow(/password authentication failed/);
      expect(await query(postgres.url, 'SHOW listen_addresses')).toEqual([['127.0.0.1']]);
    },
    START_TIMEOUT_MS,
  );

  it(
    'says which port is taken',
    async () => {
      const taken = createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => taken.once('listening', resolve));
      const { port } = taken.address() as AddressInfo;
      try {
        await expect(startPostgres({ dataDir, port })).rejects.toMatchObject({
          code: 'PORT_IN_USE',
          message: `cannot listen on 127.0.0.1:${port}: the port is in use`,
        });
      } finally {
        taken.close();
      }
    },
    START_TIMEOUT_MS,
  );
});
