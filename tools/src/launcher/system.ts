import { access, constants } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { UsageError } from '@hailstream/service/command-line';
import { isAlive } from '@hailstream/service/processes';
import { ensureSecret, type Home, homeAt, makeHome } from '../home/home.js';
import { lockHome } from '../home/home-lock.js';
import { readRunFile, removeRunFile, type RunFile, writeRunFile } from '../home/run-file.js';
import { TokenFile } from '../home/token-file.js';
import { ProcessError, type Program, SupervisedProcess } from '../processes/supervised-process.js';
import { childEnvironment, type ProcessName } from '../processes/child-environment.js';
import { LOOPBACK, type StartOptions } from './options.js';
import { choosePorts } from './ports.js';
import {
  type Addresses,
  batchCity,
  batchProgram,
  brokerProgram,
  driverSimProgram,
  ingestProgram,
  postgresProgram,
  type ProgramContext,
  realtimeProgram,
  routerProgram,
  serviceUrl,
} from './programs.js';
import { type Environment, hasIngestToken, readEnvironment } from './environment.js';
import { checkRouterFile } from './check-router-file.js';
import { cityFiles } from './city-files.js';

/** Maximum wait for the processes of a launcher that was killed: they drain and exit. */
const LEFTOVERS_TIMEOUT_MS = 45_000;
const LEFTOVERS_POLL_MS = 100;

/** When the link of `run.json` is replaced: half of its life. */
const RENEW_LINK_AFTER_MS = 5 * 60_000;
/** Timers do not run while the machine is suspended: the age of the link is compared with the clock this often. */
const CHECK_LINK_EVERY_MS = 10_000;

/** Starts the system's processes in order, keeps them running, and stops them in reverse order. */
export class System {
  private readonly processes: { readonly name: ProcessName; readonly process: SupervisedProcess }[] = [];
  private readonly pids: Partial<Record<ProcessName, number>> = {};
  private run: RunFile | undefined;
  private tokenFile: TokenFile | undefined;
  private linkTimer: NodeJS.Timeout | undefined;
  private linkAt = Date.now();
  private stopping = false;
  private writing: Promise<void> = Promise.resolve();
  private fail: (error: ProcessError) => void = () => undefined;

  /** Rejects when a process has exited too often. */
  readonly failed: Promise<never>;

  private constructor(
    private readonly context: ProgramContext,
    private readonly notice: (line: string) => void,
  ) {
    this.failed = new Promise<never>((_, fail) => (this.fail = fail));
    // Handled where it is awaited; if it is not awaited, the system is already stopping.
    this.failed.catch(() => undefined);
  }

  /** Checks everything that can be checked before the first process starts. @throws UsageError */
  static async prepare(
    options: StartOptions,
    env: NodeJS.ProcessEnv,
    notice: (line: string) => void,
  ): Promise<{ system: System; lock: AsyncDisposable }> {
    for (const city of options.cities) await checkReadable('city', city);
    for (const name of ['zones', 'alerts'] as const) {
      const path = options[name];
      if (path !== undefined) await checkReadable(name, path);
    }
    if (options.router !== undefined) {
      await checkReadable('router', options.router);
      await checkRouterFile(options.router, childEnvironment('router', env));
    }
    const home = homeAt(options.home);
    await makeHome(home);
    const lock = await lockHome(home);
    try {
      await waitForLeftovers(home, notice);
      const environment = readEnvironment(env, {
        ownSecret: await ensureSecret(home),
        simulate: options.simulate,
      });
      const addresses = await addressesOf(options, environment);
      const cities = await cityFiles(options.cities, { home, env, notice });
      const context = { options: { ...options, cities }, home, environment, addresses };
      return { system: new System(context, notice), lock };
    } catch (error) {
      await lock[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Resolves with the contents of `run.json` once everything is ready. @throws ProcessError */
  async start(): Promise<RunFile> {
    const { context } = this;
    const { options, environment, addresses, home } = context;
    const startLog = async (): Promise<void> => {
      if (environment.kafkaBrokers === undefined) await this.launch('broker', brokerProgram(context));
      // Ingest creates the topics, so their consumers start after it.
      await this.launch('ingest', ingestProgram(context));
    };
    const startDatabase = async (): Promise<string> => {
      if (environment.databaseUrl !== undefined) return environment.databaseUrl;
      let url = '';
      await this.launch(
        'postgres',
        postgresProgram(context, (sent) => (url = sent)),
      );
      return url;
    };
    const [databaseUrl] = await Promise.all([startDatabase(), startLog()]);
    await Promise.all([
      this.launch('realtime', realtimeProgram(context)),
      this.launch('batch', batchProgram(context, databaseUrl)),
      options.router !== undefined && this.launch('router', routerProgram(context, options.router)),
    ]);
    if (options.simulate)
      await this.launch('driverSim', driverSimProgram(context, await this.simulatorToken()));
    const { ingestUrl, dashboardUrl, batchUrl, routerUrl, kafkaBrokers } = addresses;
    this.run = {
      pid: process.pid,
      processes: { ...this.pids },
      ingestUrl,
      dashboardUrl,
      signInUrl: await signInUrl(environment, addresses),
      batchUrl,
      ...(routerUrl !== undefined && { routerUrl }),
      kafkaBrokers,
      databaseUrl,
      batchCity: batchCity(context),
      startedAt: new Date().toISOString(),
    };
    await writeRunFile(home.runFile, this.run);
    this.linkTimer = setInterval(() => this.renewLink(), CHECK_LINK_EVERY_MS).unref();
    return this.run;
  }

  /** Drains all processes in the reverse order of their start; processes that started together stop together. */
  async stop(): Promise<void> {
    this.stopping = true;
    clearInterval(this.linkTimer);
    const order: ProcessName[][] = [
      ['driverSim'],
      ['ingest'],
      ['realtime', 'batch', 'router'],
      ['broker', 'postgres'],
    ];
    for (const names of order) {
      const group = this.processes.filter(({ name }) => names.includes(name));
      await Promise.all(group.map(({ process }) => process.stop()));
    }
    this.run = undefined;
    await this.tokenFile?.[Symbol.asyncDispose]();
    await this.writing;
    await removeRunFile(this.context.home.runFile);
  }

  /** Kills all processes. */
  kill(): void {
    for (const { process } of this.processes) process.kill();
  }

  /** The file with the simulator's token; `undefined` if the user has set a token. */
  private async simulatorToken(): Promise<string | undefined> {
    const { environment, home } = this.context;
    const { signer, env } = environment;
    if (signer === undefined || hasIngestToken(env)) return undefined;
    this.tokenFile = await TokenFile.create(home.simulatorTokenFile, signer.simulatorToken, (error) =>
      this.notice(`cannot renew ${home.simulatorTokenFile}: ${String(error)}`),
    );
    return this.tokenFile.path;
  }

  private async launch(name: ProcessName, program: Program): Promise<void> {
    if (this.stopping) throw new ProcessError(`${program.name} was not started: the system is stopping`);
    const process = new SupervisedProcess(program, {
      started: (pid) => this.started(name, pid),
      notice: this.notice,
      gaveUp: this.fail,
    });
    this.processes.push({ name, process });
    await process.start();
  }

  /** Links expire within minutes: the one of `run.json` is always valid. */
  private renewLink(): void {
    const { environment, addresses } = this.context;
    if (Date.now() - this.linkAt < RENEW_LINK_AFTER_MS) return;
    this.linkAt = Date.now();
    this.update(async () => ({ signInUrl: await signInUrl(environment, addresses) }));
  }

  private started(name: ProcessName, pid: number): void {
    this.pids[name] = pid;
    this.update(() => ({ processes: { ...this.pids } }));
  }

  /** Writes a change to `run.json`, after those before it. */
  private update(change: () => Partial<RunFile> | Promise<Partial<RunFile>>): void {
    this.writing = this.writing
      .then(async () => {
        const changed = this.run === undefined ? undefined : await change();
        if (this.run === undefined || changed === undefined) return;
        this.run = { ...this.run, ...changed };
        await writeRunFile(this.context.home.runFile, this.run);
      })
      .catch((error: unknown) => this.notice(`cannot write ${this.context.home.runFile}: ${String(error)}`));
  }
}

async function signInUrl({ signer }: Environment, { dashboardUrl }: Addresses): Promise<string> {
  return (await signer?.signInLink(dashboardUrl)) ?? dashboardUrl;
}

async function addressesOf(options: StartOptions, environment: Environment): Promise<Addresses> {
  const { ingest, realtime, batch, driverSim, router, broker, postgres } = options.ports;
  const { host } = options;
  const ports = await choosePorts({
    ingest: { port: ingest, host },
    realtime: { port: realtime, host },
    batch: { port: batch, host },
    ...(options.simulate && { driverSim: { port: driverSim, host } }),
    ...(options.router !== undefined && { router: { port: router, host } }),
    ...(environment.kafkaBrokers === undefined && { broker: { port: broker, host: LOOPBACK } }),
    ...(environment.databaseUrl === undefined && { postgres: { port: postgres, host: LOOPBACK } }),
  });
  return {
    ports,
    ingestUrl: serviceUrl(host, ports.ingest),
    dashboardUrl: serviceUrl(host, ports.realtime),
    batchUrl: serviceUrl(host, ports.batch),
    routerUrl: options.router === undefined ? undefined : serviceUrl(host, ports.router),
    kafkaBrokers: environment.kafkaBrokers ?? `${LOOPBACK}:${ports.broker}`,
  };
}

async function checkReadable(option: string, file: string): Promise<void> {
  await access(file, constants.R_OK).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`--${option}: cannot read ${file}: ${error.code}`);
  });
}

/** After a launcher was killed, its processes drain and exit by themselves; only then are ports and folders released. */
async function waitForLeftovers(home: Home, notice: (line: string) => void): Promise<void> {
  const left = await readRunFile(home.runFile);
  const pids = Object.values(left?.processes ?? {});
  const deadline = performance.now() + LEFTOVERS_TIMEOUT_MS;
  for (let first = true; pids.some(isAlive) && performance.now() < deadline; first = false) {
    if (first) notice('waiting for the processes of a launcher that was killed to exit');
    await delay(LEFTOVERS_POLL_MS);
  }
  await removeRunFile(home.runFile);
}
