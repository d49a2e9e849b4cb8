/** Credentials of sinks, from the environment of the process. The AWS SDK finds those of object storage itself. */
export interface SinkCredentials {
  /** @default requests are not authenticated */
  readonly openSearch?: { readonly username: string; readonly password: string };
  /** Signs the requests of webhooks. @default jobs with a webhook fail with `MISCONFIGURED` */
  readonly webhookSecret?: string;
}
