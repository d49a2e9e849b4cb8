import { UsageError } from '@hailstream/service/command-line';
import {
  makeToken,
  parseTokenArgs,
  SIGN_IN_EXPIRES_IN,
  TOKEN_EXPIRES_IN,
  TOKEN_USAGE,
} from '@hailstream/service/tokens';
import { readSecret } from '../home/home.js';
import { signInLink } from '../home/run-file.js';
import { runningSystem, takeHome } from '../home/running-system.js';
import { runCommand } from './run-command.js';

const USAGE = `usage: npm run token -- ${TOKEN_USAGE} [--link] [--home DIR]
  --link  print a link that signs a browser in to the running system, within ${SIGN_IN_EXPIRES_IN}`;

/** `npm run token`: prints a JWT for the system of a home folder, or a link with it, and nothing else. */
await runCommand(USAGE, async ({ args, env, cwd }) => {
  const { home, rest } = takeHome(args, cwd);
  const isLink = rest.includes('--link');
  const claims = parseTokenArgs(rest.filter((arg) => arg !== '--link'));
  if ('problem' in claims) throw new UsageError(claims.problem);
  const secret = env['AUTH_JWT_SECRET'] || (await readSecret(home));
  if (secret === undefined) {
    throw new UsageError(`${home.folder} has no secret: run npm start once, or set AUTH_JWT_SECRET`);
  }
  const run = isLink ? await runningSystem(home, 'AUTH_JWT_SECRET and omit --link') : undefined;
  const token = await makeToken(
    secret,
    { ...claims, isForSignIn: isLink },
    isLink ? SIGN_IN_EXPIRES_IN : TOKEN_EXPIRES_IN,
  );
  process.stdout.write(`${run === undefined ? token : signInLink(run.dashboardUrl, token)}\n`);
  return 0;
});
