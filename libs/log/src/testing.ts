import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { pino } from 'pino';
import { startBroker, type Broker, type BrokerOptions } from './broker/index.js';

/** A broker of its own for one test: a free port, a temporary folder that is removed with it. */
export type TestBroker = Broker & {
  readonly dataDir: string;
  /** Stops as SIGKILL would leave it, and starts again on the same folder and port. */
  restart(): Promise<void>;
};

/** `dataDir`: a folder that exists and is left there. */
export type TestBrokerOptions = Partial<Omit<BrokerOptions, 'port'>>;

/** Starts a broker for one test; `await using` stops it and removes its folder. */
export async function startTestBroker(options: TestBrokerOptions = {}): Promise<TestBroker> {
  const dataDir = options.dataDir ?? (await fs.mkdtemp(path.join(os.tmpdir(), 'hailstream-broker-')));
  const settings: BrokerOptions = { logger: pino({ level: 'silent' }), ...options, dataDir };
  let broker = await startBroker({ ...settings, port: 0 });
  const { address, port } = broker;
  const stop = async () => {
    await broker.stop();
    if (options.dataDir === undefined) await fs.rm(dataDir, { recursive: true, force: true });
  };
  return {
    dataDir,
    address,
    port,
    get metricsUrl() {
      return broker.metricsUrl;
    },
    inject: (fault) => broker.inject(fault),
    clearFaults: () => broker.clearFaults(),
    kill: () => broker.kill(),
    stop,
    async restart() {
      await broker.kill();
      broker = await startBroker({ ...settings, port });
    },
    [Symbol.asyncDispose]: stop,
  };
}
