/** How to connect to the log: the embedded broker or any Kafka cluster. */
export interface LogConnection {
  /** `host:port` of at least one broker. */
  readonly brokers: readonly string[];
  /** Sent with every request, for the broker's logs and metrics. */
  readonly clientId: string;
  /** Prefix of all topics and consumer groups in the cluster. Callers use names without it. @default none */
  readonly topicPrefix?: string;
  /** TLS: `true` trusts Node's certificate authorities; otherwise PEM texts. @default no TLS */
  readonly ssl?: boolean | { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** @default no authentication */
  readonly sasl?: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
    readonly password: string;
  };
}

/** Adds and removes the `topicPrefix` of a connection: topics and groups have it in the cluster, callers leave it out. */
export class TopicPrefix {
  constructor(private readonly prefix = '') {}

  /** The name in the cluster of a topic or group. */
  add(name: string): string {
    return this.prefix + name;
  }

  /** The callers' name of a topic that was requested with the prefix. */
  remove(name: string): string {
    return name.slice(this.prefix.length);
  }
}
