import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { makeToken } from '@hailstream/service/tokens';
import { freePort } from '@hailstream/service/ports';
import { startKafka, type RunningKafka } from '@hailstream/tools/kafka';
import { startPostgres } from '@hailstream/tools/postgres';
import { startHttpProcess, type SystemProcess } from '../../harness/processes.js';

const SERVICES = ['ingest', 'realtime', 'batch'] as const;
type ServiceName = (typeof SERVICES)[number];
const PROCESSES_EACH = 2;
const SIMULATED_VEHICLES = 150;
/** A load that has run for this long is reading and has not finished yet. */
const LOAD_RUNNING_MS = 300;
const LOAD_WITHIN_MS = 30_000;
const LOAD_POLL_MS = 20;

/** The event counts that the simulator logs when it stops. */
export interface SimulatedEvents {
  readonly sent: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly retried: number;
  readonly thinned: number;
}

/** One process of a service. It restarts on the same port. */
class ServiceProcess {
  private process: SystemProcess | undefined;

  constructor(
    readonly service: ServiceName,
    private readonly port: number,
    private readonly env: Readonly<Record<string, string>>,
  ) {}

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    this.process = await startHttpProcess({
      script: `apps/${this.service}/dist/main.js`,
      env: this.env,
      port: this.port,
      readyPath: '/health/ready',
    });
  }

  kill(): void {
    if (this.process) process.kill(this.process.pid, 'SIGKILL');
  }

  async stop(): Promise<void> {
    await this.process?.[Symbol.asyncDispose]();
  }
}

/**
 * The system as in production: three brokers, one Postgres, two processes of each service; and a simulated city that
 * sends all events to the ingest process that `killOne` kills.
 */
export class ClusteredSystem implements AsyncDisposable {
  private readonly processes: ServiceProcess[] = [];
  private simulator: SystemProcess | undefined;

  private constructor(
    readonly kafka: RunningKafka,
    private readonly postgres: Awaited<ReturnType<typeof startPostgres>>,
    private readonly secret: string,
  ) {}

  static async start(folder: string, secret: string): Promise<ClusteredSystem> {
    const kafka = await startKafka({ brokers: 3 });
    const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), port: 0 });
    const system = new ClusteredSystem(kafka, postgres, secret);
    try {
      await system.startServices();
      return system;
    } catch (error) {
      await system[Symbol.asyncDispose]();
      throw error;
    }
  }

  get databaseUrl(): string {
    return this.postgres.url;
  }

  urls(service: ServiceName): string[] {
    return this.processesOf(service).map(({ url }) => url);
  }

  /** Sends SIGKILL to one of the two processes; to a batch process during a load. */
  async killOne(service: ServiceName): Promise<void> {
    const target = this.processesOf(service)[0];
    if (target && service === 'batch') await this.whenLoading(target.url);
    target?.kill();
  }

  /** Starts the killed process. Resolves once it is ready. */
  async restartOne(service: ServiceName): Promise<void> {
    await this.processesOf(service)[0]?.start();
  }

  /** Stops the simulated city. Resolves to its counts once its devices have sent their buffered events. */
  async endSimulation(): Promise<SimulatedEvents> {
    await this.simulator?.[Symbol.asyncDispose]();
    const counts = this.simulator
      ?.output()
      .match(/^\{.*"events so far".*$/gm)
      ?.at(-1);
    if (counts === undefined)
      throw new Error(`the simulator did not log its event counts: ${this.simulator?.output()}`);
    return JSON.parse(counts) as SimulatedEvents;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.simulator?.[Symbol.asyncDispose]();
    await Promise.all(this.processes.map((each) => each.stop()));
    await this.postgres[Symbol.asyncDispose]();
    await this.kafka[Symbol.asyncDispose]();
  }

  private async startServices(): Promise<void> {
    const env = {
      KAFKA_BROKERS: this.kafka.addresses.join(','),
      DATABASE_URL: this.postgres.url,
      AUTH_JWT_SECRET: this.secret,
      BATCH_EVERY: '2s',
    };
    for (const service of SERVICES) {
      for (let i = 0; i < PROCESSES_EACH; i += 1) {
        const each = new ServiceProcess(service, await freePort(), env);
        this.processes.push(each);
        await each.start();
      }
    }
    this.simulator = await startHttpProcess({
      script: 'apps/driver-sim/dist/main.js',
      env: {
        AUTH_JWT_SECRET: this.secret,
        INGEST_URL: this.urls('ingest')[0]!,
        SIM_VEHICLES: String(SIMULATED_VEHICLES),
        LOG_LEVEL: 'info',
      },
      readyPath: '/health/ready',
    });
  }

  private async whenLoading(url: string): Promise<void> {
    const token = await makeToken(this.secret, { scopes: ['read'] }, '5m');
    const giveUpAt = performance.now() + LOAD_WITHIN_MS;
    for (;;) {
      const response = await fetch(`${url}/runs`, { headers: { authorization: `Bearer ${token}` } });
      const { runs } = (await response.json()) as { runs: { status: string; startedAt: string }[] };
      const [latest] = runs;
      const sinceMs = Date.now() - Date.parse(latest?.startedAt ?? '');
      if (latest?.status === 'running' && sinceMs >= LOAD_RUNNING_MS) return;
      if (performance.now() > giveUpAt)
        throw new Error(`no load was running within ${LOAD_WITHIN_MS / 1_000} s`);
      await pause(LOAD_POLL_MS);
    }
  }

  private processesOf(service: ServiceName): ServiceProcess[] {
    return this.processes.filter((each) => each.service === service);
  }
}
