import type { LogConnection } from '@hailstream/log';

/** Credentials of sinks, from the environment of the process. The AWS SDK finds those of object storage itself. */
export interface SinkCredentials {
  /** @default requests are not authenticated */
  readonly openSearch?: { readonly username: string; readonly password: string };
  /** Signs the requests of webhooks. @default jobs with a webhook fail with `MISCONFIGURED` */
  readonly webhookSecret?: string;
  /** TLS and SASL of the targets of Kafka sinks. @default no SASL, and TLS as the sink has it */
  readonly targetKafka?: Pick<LogConnection, 'ssl' | 'sasl'>;
}
