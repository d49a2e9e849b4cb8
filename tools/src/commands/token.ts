import { LOCAL_PROVIDER_ID, makeToken } from '@hailstream/nest/tokens';
import { readSecret } from '../home/home.js';
import { takeHome } from '../home/running-system.js';
import { parseOptions } from '../launcher/options.js';
import { UsageError } from '../usage-error.js';
import { runCommand } from './run-command.js';

const USAGE = 'usage: npm run token -- --scope read|write [--provider UUID] [--home DIR]';
const EXPIRES_IN = '30 days';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** `npm run token`: prints a JWT for the system of a home folder, and nothing else. */
await runCommand(USAGE, async ({ args, env, cwd }) => {
  const { home, rest } = takeHome(args, cwd);
  const { scope, provider } = parseOptions(rest, { scope: { type: 'string' }, provider: { type: 'string' } });
  if (scope !== 'read' && scope !== 'write') throw new UsageError(USAGE);
  if (typeof provider === 'string' && !UUID.test(provider)) {
    throw new UsageError(`--provider: expected a UUID, got "${provider}"`);
  }
  const secret = env['AUTH_JWT_SECRET'] || (await readSecret(home));
  if (secret === undefined) {
    throw new UsageError(`there is no secret in ${home.folder}: npm start makes one, or set AUTH_JWT_SECRET`);
  }
  // Who writes speaks for a provider: the local one, unless told otherwise.
  const providerId =
    typeof provider === 'string' ? provider : scope === 'write' ? LOCAL_PROVIDER_ID : undefined;
  const claims = { scopes: [scope], ...(providerId !== undefined && { providerId }) } as const;
  process.stdout.write(`${await makeToken(secret, claims, EXPIRES_IN)}\n`);
  return 0;
});
