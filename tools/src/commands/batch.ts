import { UsageError } from '@hailstream/service/command-line';
import { runningSystem, takeHome } from '../home/running-system.js';
import { runToEnd } from '../processes/run-to-end.js';
import { programFile } from '../repository.js';
import { runCommand } from './run-command.js';

const USAGE = 'usage: npm run batch -- COMMAND [--home DIR] [OPTIONS]; help lists the options';

/** `npm run batch -- COMMAND`: runs a batch command on the log and Postgres of a running system or of the environment. */
await runCommand(undefined, async ({ args, env, cwd }) => {
  const { home, rest } = takeHome(args, cwd);
  const isHelp = rest[0] === 'help' || rest.includes('--help');
  // Without a command, batch runs as the service.
  if (rest[0] === undefined || (rest[0].startsWith('-') && !isHelp)) throw new UsageError(USAGE);
  return runToEnd(programFile('apps/batch/dist/main.js'), rest, isHelp ? env : await batchEnv());

  async function batchEnv(): Promise<NodeJS.ProcessEnv> {
    const { KAFKA_BROKERS: brokers, DATABASE_URL: database } = env;
    if (brokers && database) return env;
    const run = await runningSystem(home, 'KAFKA_BROKERS and DATABASE_URL');
    return {
      ...env,
      KAFKA_BROKERS: brokers || run.kafkaBrokers,
      DATABASE_URL: database || run.databaseUrl,
      BATCH_CITY: env['BATCH_CITY'] || run.batchCity,
    };
  }
});
