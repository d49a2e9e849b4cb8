import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureSecret, type Home, homeAt, makeHome, readSecret } from '../src/home/home.js';
import { isHomeInUse, lockHome } from '../src/home/home-lock.js';
import { readRunFile, removeRunFile, type RunFile, writeRunFile } from '../src/home/run-file.js';
import { runningSystem, takeHome } from '../src/home/running-system.js';
import { choosePorts } from '../src/launcher/ports.js';

let home: Home;
beforeEach(async () => {
  home = homeAt(await mkdtemp(join(tmpdir(), 'hailstream-home-')));
  await makeHome(home);
});
afterEach(() => rm(home.folder, { recursive: true, force: true }));

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

describe('makeHome', () => {
  it('closes a home folder of an earlier version to other users, and leaves a folder with other files', async () => {
    await chmod(home.folder, 0o755);
    await makeHome(home);
    expect(await modeOf(home.folder)).toBe(0o700);
    await chmod(home.folder, 0o755);
    await writeFile(join(home.folder, 'notes.txt'), '');
    await makeHome(home);
    expect(await modeOf(home.folder)).toBe(0o755);
    await ensureSecret(home);
    await makeHome(home);
    expect(await modeOf(home.folder)).toBe(0o700);
    expect(await modeOf(home.logsFolder)).toBe(0o700);
  });
});

describe('ensureSecret', () => {
  it('creates a secret that only the user can read, and keeps it', async () => {
    expect(await readSecret(home)).toBeUndefined();
    const secret = await ensureSecret(home);
    expect(secret).toMatch(/^[\w-]{43}$/);
    expect(await modeOf(home.secretFile)).toBe(0o600);
    expect(await ensureSecret(home)).toBe(secret);
    expect(await readSecret(home)).toBe(secret);
  });
});

describe('lockHome', () => {
  it('can be held by one process at a time', async () => {
    const lock = await lockHome(home);
    expect(await isHomeInUse(home)).toBe(true);
    await expect(lockHome(home)).rejects.toThrow(`Hailstream is already running on ${home.folder}`);
    await lock[Symbol.asyncDispose]();
    expect(await isHomeInUse(home)).toBe(false);
    await (await lockHome(home))[Symbol.asyncDispose]();
  });

  it('rejects a path that is too long for a socket', async () => {
    await expect(lockHome(homeAt(join(home.folder, 'x'.repeat(100))))).rejects.toThrow(
      'the path is too long',
    );
  });
});

describe('the run file', () => {
  const run: RunFile = {
    pid: process.pid,
    processes: { broker: 1, ingest: 2 },
    ingestUrl: 'http://127.0.0.1:1',
    dashboardUrl: 'http://127.0.0.1:2',
    signInUrl: 'http://127.0.0.1:2/#token=t',
    batchUrl: 'http://127.0.0.1:3',
    kafkaBrokers: '127.0.0.1:4',
    databaseUrl: 'postgres://u:p@127.0.0.1:5/d',
    batchCity: '/cities/monaco.geojson',
    startedAt: '2026-01-01T00:00:00.000Z',
  };

  it('is readable only by the user', async () => {
    expect(await readRunFile(home.runFile)).toBeUndefined();
    await writeRunFile(home.runFile, run);
    await writeRunFile(home.runFile, { ...run, processes: { broker: 9 } });
    expect(await readRunFile(home.runFile)).toEqual({ ...run, processes: { broker: 9 } });
    expect(await modeOf(home.runFile)).toBe(0o600);
    await removeRunFile(home.runFile);
    expect(await readRunFile(home.runFile)).toBeUndefined();
  });

  it('is used only while the launcher runs', async () => {
    await writeRunFile(home.runFile, run);
    await expect(runningSystem(home, 'KAFKA_BROKERS')).rejects.toThrow(
      /^Hailstream is not running on .* or set KAFKA_BROKERS$/,
    );
    await using _lock = await lockHome(home);
    expect(await runningSystem(home, 'KAFKA_BROKERS')).toEqual(run);
    await removeRunFile(home.runFile);
    await expect(runningSystem(home, 'KAFKA_BROKERS')).rejects.toThrow('is still starting');
  });
});

describe('takeHome', () => {
  it.each([
    [
      ['trace.csv', '--home', 'there', '--json'],
      ['trace.csv', '--json'],
    ],
    [
      ['trace.csv', '--home=there', '--json'],
      ['trace.csv', '--json'],
    ],
  ])('removes it from %j', (args, rest) => {
    expect(takeHome(args, '/users/ada')).toMatchObject({ home: { folder: '/users/ada/there' }, rest });
  });

  it('rejects --home without a folder', () => {
    expect(() => takeHome(['--home'], '/users/ada')).toThrow('--home: expected a folder, got nothing');
  });
});

describe('choosePorts', () => {
  const host = '127.0.0.1';

  it('chooses distinct free ports', async () => {
    const zero = { port: 0, host };
    const ports = await choosePorts({ ingest: zero, realtime: zero, batch: zero, broker: zero });
    expect(new Set(Object.values(ports)).size).toBe(4);
  });

  it('names every port in use, and its option', async () => {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, host, done));
    const { port } = server.address() as { port: number };
    const address = { port, host };
    await expect(
      choosePorts({ ingest: address, realtime: { port: 0, host }, broker: address }),
    ).rejects.toThrow(
      new RegExp(
        `^--ingest-port: cannot listen on ${host}:${port}: the port is in use\n--broker-port: .*used by --ingest-port`,
      ),
    );
    await new Promise((done) => server.close(done));
  });
});
