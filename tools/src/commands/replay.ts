import { LOCAL_PROVIDER_ID, makeToken } from '@hailstream/service/tokens';
import { readSecret } from '../home/home.js';
import { runningSystem, takeHome } from '../home/running-system.js';
import { runToEnd } from '../processes/run-to-end.js';
import { programFile } from '../repository.js';
import { runCommand } from './run-command.js';

/** A replay at the recorded speed takes as long as the recording. */
const TOKEN_EXPIRES_IN = '7 days';

const USAGE = `usage: npm run replay -- FILE [OPTIONS]
  --speed N|max   N times the recorded speed, at current times; max: as fast as ingest accepts (max)
  --end-at ISO    time at which the trace ends, with --speed max (the last full hour)
  --home DIR      home folder of the running system (.hailstream); not used if INGEST_URL is set
  --json          print the result as JSON in the last line`;

/** `npm run replay`: sends a recorded trace to ingest of a running system, or at `INGEST_URL`. */
await runCommand(USAGE, async ({ args, env, cwd }) => {
  const { home, rest } = takeHome(args, cwd);
  return runToEnd(programFile('apps/driver-sim/dist/replay.js'), rest, await replayEnv());

  async function replayEnv(): Promise<NodeJS.ProcessEnv> {
    if (env['INGEST_URL']) return env;
    const { ingestUrl } = await runningSystem(home, 'INGEST_URL');
    return { ...env, INGEST_URL: ingestUrl, ...(await token()) };
  }

  async function token(): Promise<NodeJS.ProcessEnv> {
    const secret = env['AUTH_JWT_SECRET'] || (await readSecret(home));
    if (env['INGEST_TOKEN'] || secret === undefined) return {};
    const providerId = env['PROVIDER_ID'] || LOCAL_PROVIDER_ID;
    return { INGEST_TOKEN: await makeToken(secret, { scopes: ['write'], providerId }, TOKEN_EXPIRES_IN) };
  }
});
