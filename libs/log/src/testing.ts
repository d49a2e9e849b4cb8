import type { Broker, BrokerOptions } from './broker/index.js';

/** A broker of its own for one test: a free port, a temporary folder that is removed with it. */
export type TestBroker = Broker & {
  readonly dataDir: string;
  /** Stops as SIGKILL would leave it, and starts again on the same folder and port. */
  restart(): Promise<void>;
};

export type TestBrokerOptions = Partial<Omit<BrokerOptions, 'port'>>;
