import { ingestEnvironment } from '../home/ingest-environment.js';
import { takeHome } from '../home/running-system.js';
import { runToEnd } from '../processes/run-to-end.js';
import { programFile } from '../repository.js';
import { runCommand } from './run-command.js';

/** `npm run import`: sends a file of trips to ingest of a running system, or at `INGEST_URL`. The program has the usage. */
await runCommand(undefined, async ({ args, env, cwd }) => {
  const { home, rest } = takeHome(args, cwd);
  const isHelp = rest.includes('--help') || rest.includes('-h');
  const program = programFile('apps/driver-sim/dist/import.js');
  if (isHelp) return runToEnd(program, rest, env);
  await using ingest = await ingestEnvironment(home, env);
  return await runToEnd(program, rest, ingest.env);
});
