import { ingestEnvironment } from '../home/ingest-environment.js';
import { takeHome } from '../home/running-system.js';
import { runToEnd } from '../processes/run-to-end.js';
import { programFile } from '../repository.js';
import { runCommand } from './run-command.js';

const USAGE = `usage: npm run replay -- FILE [OPTIONS]
  --speed N|max   N times the recorded speed, at current times; max: as fast as ingest accepts (max)
  --end-at ISO    time at which the trace ends, with --speed max (the last full hour)
  --home DIR      home folder of the running system (.hailstream); not used if INGEST_URL is set
  --json          print the result as JSON in the last line`;

/** `npm run replay`: sends a recorded trace to ingest of a running system, or at `INGEST_URL`. */
await runCommand(USAGE, async ({ args, env, cwd }) => {
  const { home, rest } = takeHome(args, cwd);
  await using ingest = await ingestEnvironment(home, env);
  return await runToEnd(programFile('apps/driver-sim/dist/replay.js'), rest, ingest.env);
});
