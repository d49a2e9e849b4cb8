import { commandUsage, UsageError } from '@hailstream/service/command-line';
import { makeToken } from '@hailstream/service/tokens';
import { type Home, readSecret } from '../home/home.js';
import { runningSystem, takeHome } from '../home/running-system.js';
import { runToEnd } from '../processes/run-to-end.js';
import { programFile } from '../repository.js';
import {
  isJobCommand,
  type JobCommand,
  JOBS_USAGE,
  parseJobRequest,
  sendJobRequest,
} from '../router/job-requests.js';
import { jobsTable, type JobRow } from '../router/jobs-table.js';
import { type CommandContext, runCommand } from './run-command.js';

const TOKEN_EXPIRES_IN = '5 minutes';

/** `npm run router -- COMMAND`: runs the router on the log of a running system or of the environment, or asks a running router. */
await runCommand(undefined, async ({ args, env, cwd }) => {
  const { home, rest } = takeHome(args, cwd);
  const [command, ...options] = rest;
  const program = programFile('apps/router/dist/main.js');
  if (command === undefined || command === 'help' || rest.includes('--help')) {
    const topic = rest.find((arg) => arg !== 'help' && arg !== '--help') ?? '';
    const jobsUsage = commandUsage(JOBS_USAGE, topic);
    const code = jobsUsage === undefined ? await runToEnd(program, ['help', topic], env) : 0;
    if (jobsUsage !== undefined || topic === '') process.stdout.write(`${jobsUsage ?? JOBS_USAGE}\n`);
    return code;
  }
  if (isJobCommand(command)) return askRouter(command, options, { home, env });
  if (command === 'check') return runToEnd(program, rest, env);
  const brokers = env['KAFKA_BROKERS'] || (await runningSystem(home, 'KAFKA_BROKERS')).kafkaBrokers;
  return runToEnd(program, rest, { ...env, KAFKA_BROKERS: brokers });
});

async function askRouter(
  command: JobCommand,
  args: readonly string[],
  { home, env }: { readonly home: Home } & Pick<CommandContext, 'env'>,
): Promise<number> {
  const request = parseJobRequest(command, args);
  const secret = env['AUTH_JWT_SECRET'] || (await readSecret(home));
  const token = secret && (await makeToken(secret, { scopes: [request.scope] }, TOKEN_EXPIRES_IN));
  const response = await sendJobRequest(request.url ?? (await routerUrl(home)), request, token);
  if (request.json) process.stdout.write(`${JSON.stringify(response)}\n`);
  else {
    const jobs = command === 'jobs' ? (response as { readonly jobs: JobRow[] }).jobs : [response as JobRow];
    process.stdout.write(`${jobsTable(jobs)}\n`);
  }
  return 0;
}

async function routerUrl(home: Home): Promise<string> {
  const { routerUrl: url } = await runningSystem(home, '--url');
  if (url !== undefined) return url;
  throw new UsageError(
    `Hailstream on ${home.folder} runs without a router: start it with npm start -- --router FILE, or set --url`,
  );
}
