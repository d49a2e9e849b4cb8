import { spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '@hailstream/service/testing';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startPostgres, type RunningPostgres } from '../src/postgres.js';
import { watchServer, type ServerEnd } from '../src/postgres/watch.js';

const START_TIMEOUT_MS = 60_000;

let folder: string;
let dataDir: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hailstream-postgres-'));
  // For root, the server runs as another user, who must be able to enter the folder.
  await chmod(folder, 0o711);
  dataDir = join(folder, 'data');
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  // Servers are killed in these tests; a broken connection also emits an error event.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<unknown[]>({ text: sql, rowMode: 'array' })).rows;
  } finally {
    await client.end();
  }
}

describe('startPostgres', () => {
  it(
    'preserves data after an orderly stop, a kill, and an owner that left it running',
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
    'takes over the folder of a killed server that has a busy backend',
    async () => {
      const killed = await startPostgres({ dataDir, port: 0 });
      await query(killed.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
      const busy = query(killed.url, 'DO $$ BEGIN LOOP END LOOP; END $$').catch((error: unknown) => error);
      await until(async () => {
        const [row] = await query(
          killed.url,
          "SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'DO %'",
        );
        return row !== undefined;
      });
      process.kill(killed.pid, 'SIGKILL');
      await using next = await startPostgres({ dataDir, port: 0 });
      expect(await busy).toBeInstanceOf(Error);
      expect(await query(next.url, 'SELECT answer FROM kept')).toEqual([[42]]);
    },
    START_TIMEOUT_MS,
  );

  it(
    'takes over a folder from a server that hangs',
    async () => {
      const hung = await startPostgres({ dataDir, port: 0 });
      await query(hung.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
      process.kill(hung.pid, 'SIGSTOP');
      await using next = await startPostgres({ dataDir, port: 0 });
      expect(next.pid).not.toBe(hung.pid);
      expect(await query(next.url, 'SELECT answer FROM kept')).toEqual([[42]]);
    },
    START_TIMEOUT_MS,
  );

  it(
    'takes over a folder whose lock file names another program',
    async () => {
      const lockFile = join(dataDir, 'cluster/postmaster.pid');
      const killed = await startPostgres({ dataDir, port: 0 });
      const lock = await readFile(lockFile, 'utf8');
      await killed[Symbol.asyncDispose]();
      // The same user: Postgres checks whether it may signal the process.
      const { uid, gid } = await stat(dataDir);
      const other = spawn('sleep', ['600'], { uid, gid });
      try {
        await writeFile(lockFile, lock.replace(/^\d+/, String(other.pid)));
        await using next = await startPostgres({ dataDir, port: 0 });
        expect(await query(next.url, 'SELECT 1')).toEqual([[1]]);
        expect(other.exitCode).toBeNull();
      } finally {
        other.kill();
      }
    },
    START_TIMEOUT_MS,
  );

  it(
    'requires the password, and listens on 127.0.0.1 only',
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
    'reports a port in use',
    async () => {
      const occupied = createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => occupied.once('listening', resolve));
      const { port } = occupied.address() as AddressInfo;
      try {
        await expect(startPostgres({ dataDir, port })).rejects.toMatchObject({
          code: 'PORT_IN_USE',
          message: `cannot listen on 127.0.0.1:${port}: the port is in use`,
        });
      } finally {
        occupied.close();
      }
    },
    START_TIMEOUT_MS,
  );
});

describe('watchServer', () => {
  let postgres: RunningPostgres;
  beforeEach(async () => {
    postgres = await startPostgres({ dataDir, port: 0, settings: { max_connections: '8' } });
  }, START_TIMEOUT_MS);
  afterEach(async () => {
    process.kill(postgres.pid, 'SIGCONT');
    await postgres[Symbol.asyncDispose]();
  }, START_TIMEOUT_MS);

  it(
    'reports that the server was killed',
    async () => {
      using watch = watchServer(postgres, { processCheckMs: 20 });
      process.kill(postgres.pid, 'SIGKILL');
      expect(await watch.failed).toBe('ended');
      // afterEach stops a server.
      postgres = await startPostgres({ dataDir, port: 0 });
    },
    START_TIMEOUT_MS,
  );

  it(
    'reports an unresponsive server',
    async () => {
      using watch = watchServer(postgres, { answerCheckMs: 100 });
      process.kill(postgres.pid, 'SIGSTOP');
      expect(await watch.failed).toBe('hung');
    },
    START_TIMEOUT_MS,
  );

  it(
    'tolerates a server that has too many connections or is recovering',
    async () => {
      using watch = watchServer(postgres, { processCheckMs: 20, answerCheckMs: 200 });
      let failed: ServerEnd | undefined;
      void watch.failed.then((end) => (failed = end));
      const clients: pg.Client[] = [];
      for (let refused = false; !refused;) {
        const client = new pg.Client({ connectionString: postgres.url });
        client.on('error', () => undefined);
        refused = await client.connect().then(
          () => false,
          (error: { code?: string }) => error.code === '53300',
        );
        if (!refused) clients.push(client);
      }
      expect(clients.length).toBeGreaterThan(0);
      const [backend] = await firstRow(clients[0]!, 'SELECT pg_backend_pid()');
      // Postgres ends all backends and recovers.
      process.kill(Number(backend), 'SIGKILL');
      await until(() =>
        query(postgres.url, 'SELECT 1').then(
          () => true,
          () => false,
        ),
      );
      await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
      expect(failed).toBeUndefined();
    },
    START_TIMEOUT_MS,
  );
});

async function firstRow(client: pg.Client, sql: string): Promise<unknown[]> {
  const { rows } = await client.query<unknown[]>({ text: sql, rowMode: 'array' });
  return rows[0] ?? [];
}
