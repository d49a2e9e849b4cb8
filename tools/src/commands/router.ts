import { runningSystem, takeHome } from '../home/running-system.js';
import { runToEnd } from '../processes/run-to-end.js';
import { programFile } from '../repository.js';
import { runCommand } from './run-command.js';

/** `npm run router -- COMMAND`: runs the router on the log of a running system or of the environment. */
await runCommand(undefined, async ({ args, env, cwd }) => {
  const { home, rest } = takeHome(args, cwd);
  const program = programFile('apps/router/dist/main.js');
  const isHelp = rest[0] === undefined || rest[0] === 'help' || rest.includes('--help');
  if (isHelp) return runToEnd(program, ['help'], env);
  const brokers = env['KAFKA_BROKERS'] || (await runningSystem(home, 'KAFKA_BROKERS')).kafkaBrokers;
  return runToEnd(program, rest, { ...env, KAFKA_BROKERS: brokers });
});
