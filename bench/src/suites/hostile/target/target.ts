import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { freePort } from '@hailstream/service/ports';
import { makeToken } from '@hailstream/service/tokens';
import { startPostgres, type RunningPostgres } from '@hailstream/tools/postgres';
import { BATCH_ALLOCATOR_VARIABLES } from '@hailstream/tools/allocator-variables';
import { INGEST_V8_OPTIONS } from '@hailstream/tools/v8-options';
import { Pool } from 'pg';
import {
  runToEnd,
  startBrokerProcess,
  startHttpProcess,
  type SystemProcess,
} from '../../../harness/processes.js';

/** The provider whose service must not change, and one that is hostile. */
export const NEIGHBOUR = '0197a1c0-6d1f-7000-8000-0000000000aa';
export const HOSTILE = '0197a1c0-6d1f-7000-8000-0000000000bb';

export const SECRET = 'a secret of this benchmark for loopback';
const TOKEN_EXPIRES_IN = '3h';
const HISTORY_BYTES = 256 * 1_048_576;
const READY_WITHIN_MS = 60_000;
const READY_POLL_MS = 100;
const LOG_TAIL_CHARS = 2_000;

/** Settings of the processes that differ from the defaults of the attacks. */
interface TargetSettings {
  /** `KEY=VALUE` of the broker. */
  readonly broker?: readonly string[];
  /** Options of Node for ingest, realtime and batch. */
  readonly node?: readonly string[];
  readonly batch?: Readonly<Record<string, string>>;
}

type Services = Readonly<Record<'ingest' | 'realtime' | 'batch' | 'openIngest', SystemProcess>>;

/** A running system with authentication, and an ingest process without. */
export class Target implements AsyncDisposable {
  private constructor(
    private readonly disposals: readonly AsyncDisposable[],
    private readonly broker: SystemProcess,
    /** Serves the metrics of the broker. */
    readonly brokerMetricsUrl: string,
    private readonly postgres: RunningPostgres,
    readonly pool: Pool,
    private readonly services: Services,
  ) {}

  static async start(folder: string, settings: TargetSettings = {}): Promise<Target> {
    const disposals: AsyncDisposable[] = [];
    const use = <T extends AsyncDisposable>(resource: T): T => {
      disposals.unshift(resource);
      return resource;
    };
    try {
      const metricsPort = await freePort();
      const broker = use(
        await startBrokerProcess(join(folder, 'broker'), undefined, [
          `metrics.port=${metricsPort}`,
          ...(settings.broker ?? []),
        ]),
      );
      const postgres = use(await startPostgres({ dataDir: join(folder, 'postgres'), port: 0 }));
      const pool = new Pool({ connectionString: postgres.url });
      use({ [Symbol.asyncDispose]: () => pool.end() });
      const open = { KAFKA_BROKERS: broker.url, DATABASE_URL: postgres.url };
      const start = async (app: string, env: Readonly<Record<string, string>>): Promise<SystemProcess> =>
        use(
          await startHttpProcess({
            script: `apps/${app}/dist/main.js`,
            nodeOptions: [...(app === 'ingest' ? INGEST_V8_OPTIONS : []), ...(settings.node ?? [])],
            env,
            readyPath: '/health/ready',
          }),
        );
      const env = { ...open, AUTH_JWT_SECRET: SECRET };
      const ingest = await start('ingest', env);
      const realtime = await start('realtime', {
        ...env,
        REALTIME_HISTORY_DIR: join(folder, 'history'),
        REALTIME_HISTORY_BYTES: String(HISTORY_BYTES),
      });
      const batch = await start('batch', {
        ...env,
        ...BATCH_ALLOCATOR_VARIABLES,
        BATCH_EVERY: '1h',
        ...settings.batch,
      });
      const openIngest = await start('ingest', { KAFKA_BROKERS: broker.url });
      const services = { ingest, realtime, batch, openIngest };
      return new Target(disposals, broker, `http://127.0.0.1:${metricsPort}`, postgres, pool, services);
    } catch (error) {
      await disposeAll(disposals);
      throw error;
    }
  }

  get ingest(): SystemProcess {
    return this.services.ingest;
  }

  get realtime(): SystemProcess {
    return this.services.realtime;
  }

  get batch(): SystemProcess {
    return this.services.batch;
  }

  /** Ingest without authentication, as on a laptop. */
  get openIngest(): SystemProcess {
    return this.services.openIngest;
  }

  /** `host:port` */
  get brokerAddress(): string {
    return this.broker.url;
  }

  get brokerPid(): number {
    return this.broker.pid;
  }

  /** The server; its processes are its children. */
  get postgresPid(): number {
    return this.postgres.pid;
  }

  token(claims: Parameters<typeof makeToken>[1]): Promise<string> {
    return makeToken(SECRET, claims, TOKEN_EXPIRES_IN);
  }

  /** Loads all events into Postgres. @throws Error if the load fails */
  async load(): Promise<void> {
    await runToEnd('apps/batch/dist/main.js', ['run', '--json'], {
      KAFKA_BROKERS: this.broker.url,
      DATABASE_URL: this.postgres.url,
    });
  }

  /** What is not ready, with the reason; `undefined` if all services are within the time limit. */
  async notReady(): Promise<string | undefined> {
    const giveUpAt = performance.now() + READY_WITHIN_MS;
    for (;;) {
      const states = await Promise.all(
        Object.entries({ ingest: this.ingest, realtime: this.realtime, batch: this.batch }).map(
          async ([name, service]) => {
            const { status, text } = await readiness(service.url);
            return status === 200
              ? ''
              : `${name}: ${status} ${text}\n${service.output().slice(-LOG_TAIL_CHARS)}`;
          },
        ),
      );
      const problem = states.filter((state) => state !== '').join('\n');
      if (problem === '') return undefined;
      if (performance.now() > giveUpAt) return problem;
      await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS));
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return disposeAll(this.disposals);
  }
}

async function disposeAll(disposals: readonly AsyncDisposable[]): Promise<void> {
  for (const disposal of disposals) await disposal[Symbol.asyncDispose]();
}

async function readiness(url: string): Promise<{ readonly status: number; readonly text: string }> {
  try {
    const response = await fetch(`${url}/health/ready`);
    return { status: response.status, text: await response.text() };
  } catch (error) {
    return { status: 0, text: String(error) };
  }
}

/** A point of telemetry that is accepted. */
export function point(providerId: string, changes: Readonly<Record<string, unknown>> = {}) {
  return {
    device_id: randomUUID(),
    telemetry_id: randomUUID(),
    provider_id: providerId,
    timestamp: Date.now(),
    location: { lat: 43.7384, lng: 7.4246, heading: 90, speed: 8.3 },
    ...changes,
  };
}
