import { makeToken, parseTokenArgs, TOKEN_EXPIRES_IN, TOKEN_USAGE } from '@hailstream/service/tokens';
import { readSecret } from '../home/home.js';
import { takeHome } from '../home/running-system.js';
import { UsageError } from '../usage-error.js';
import { runCommand } from './run-command.js';

const USAGE = `usage: npm run token -- ${TOKEN_USAGE} [--home DIR]`;

/** `npm run token`: prints a JWT for the system of a home folder, and nothing else. */
await runCommand(USAGE, async ({ args, env, cwd }) => {
  const { home, rest } = takeHome(args, cwd);
  const claims = parseTokenArgs(rest);
  if ('problem' in claims) throw new UsageError(claims.problem);
  const secret = env['AUTH_JWT_SECRET'] || (await readSecret(home));
  if (secret === undefined) {
    throw new UsageError(`${home.folder} has no secret: run npm start once, or set AUTH_JWT_SECRET`);
  }
  process.stdout.write(`${await makeToken(secret, claims, TOKEN_EXPIRES_IN)}\n`);
  return 0;
});
