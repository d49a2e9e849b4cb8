import { createHttpApp } from '@hailstream/nest';
import { makeToken } from '@hailstream/service/tokens';
import type { RouterConfig } from '../src/config.js';
import type { JobStatus } from '../src/jobs/job.js';
import type { JobSpec } from '../src/router-file/router-file.js';
import { RouterModule } from '../src/router.module.js';
import type { SinkCredentials } from '../src/sinks/credentials.js';
import { connectionTo, silent } from './_util.js';
import { WEBHOOK_SECRET } from './_webhook-receiver.js';

const CREDENTIALS: SinkCredentials = {
  openSearch: { username: 'router', password: 'secret' },
  webhookSecret: WEBHOOK_SECRET,
};
const SECRET = 'a secret of at least thirty-two characters';

const PROVIDER = '0197a1c0-6d1f-7000-8000-000000000001';

/** Claims of tokens. */
const CLAIMS = {
  read: { scopes: ['read'] },
  operate: { scopes: ['operate'] },
  write: { scopes: ['write'], providerId: PROVIDER },
  'read operate of one provider': { scopes: ['read', 'operate'], providerId: PROVIDER },
} as const;

/** The router with its HTTP API, on a free port. */
export async function startService(
  broker: { readonly address: string },
  jobs: readonly JobSpec[],
  credentials: SinkCredentials = CREDENTIALS,
) {
  const config: RouterConfig = {
    logLevel: 'silent',
    http: { host: '127.0.0.1', port: 0 },
    auth: { kind: 'secret', secret: SECRET },
    connection: connectionTo(broker),
    topicPolicy: { missing: 'create' },
    credentials,
    jobs,
  };
  const app = await createHttpApp(RouterModule.forRoot(config, silent), {
    logger: silent,
    auth: config.auth,
  });
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const request = async (method: string, path: string, access: keyof typeof CLAIMS) => {
    const token = await makeToken(SECRET, CLAIMS[access], '1h');
    return fetch(`${url}${path}`, { method, headers: { authorization: `Bearer ${token}` } });
  };
  const job = async (name: string): Promise<JobStatus> => {
    const { jobs: statuses } = (await (await request('GET', '/jobs', 'read')).json()) as {
      jobs: JobStatus[];
    };
    return statuses.find((status) => status.name === name)!;
  };
  return { url, request, job, [Symbol.asyncDispose]: () => app.close() };
}
