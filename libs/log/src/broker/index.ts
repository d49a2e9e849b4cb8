import type { Logger } from 'pino';

export interface BrokerOptions {
  /** @default '127.0.0.1' */
  readonly host?: string;
  /** 0 takes a free one. @default 9092 */
  readonly port?: number;
  /** Made where it is missing. One broker at a time. */
  readonly dataDir: string;
  /** Broker settings by Kafka's own names, e.g. `num.partitions`. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly logger?: Logger;
}

/** A running embedded broker. Disposal closes its listeners and its log. */
export interface Broker extends AsyncDisposable {
  /** `host:port`, as clients need it. */
  readonly address: string;
}
