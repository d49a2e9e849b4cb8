/** Where the log is and how to reach it. The same for the embedded broker and for any Kafka cluster. */
export interface LogConnection {
  /** `host:port` of at least one broker. */
  readonly brokers: readonly string[];
  /** Told to the broker with every request, for its logs and metrics. */
  readonly clientId: string;
  /** What the cluster's names of all topics and consumer groups begin with; callers leave it out. @default none */
  readonly topicPrefix?: string;
  /** TLS: `true` trusts the system's authorities. PEM texts otherwise. @default no TLS */
  readonly ssl?: boolean | { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** @default no authentication */
  readonly sasl?: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
    readonly password: string;
  };
}
