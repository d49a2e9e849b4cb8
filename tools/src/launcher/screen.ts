import { join } from 'node:path';
import { SIGN_IN_EXPIRES_IN } from '@hailstream/service/tokens';
import type { RunFile } from '../home/run-file.js';
import type { StartOptions } from './options.js';
import { printedCommands } from './printed-commands.js';

/** Printed when the system is ready: the addresses, how to sign in, and how to stop. */
export function startScreen(run: RunFile, options: StartOptions): string {
  const { processes } = run;
  const commands = printedCommands(options.home);
  const database = new URL(run.databaseUrl);
  const rows = [
    ['dashboard', run.signInUrl],
    ['ingest', `${run.ingestUrl}/openapi.json  (the API at ${run.ingestUrl})`],
    ['batch', `${run.batchUrl}/health/ready  (loads the log into Postgres every ${options.batchEvery})`],
    ...(run.routerUrl === undefined
      ? []
      : [['router', `${run.routerUrl}/health/ready  (its jobs: ${commands.jobs})`]]),
    ['log', `${run.kafkaBrokers}  (${processes.broker ? 'the embedded broker' : 'from KAFKA_BROKERS'})`],
    // The password is in run.json, which only the user can read; other people may see the screen.
    [
      'postgres',
      `${database.host}${database.pathname}  (${processes.postgres ? 'embedded' : 'from DATABASE_URL'})`,
    ],
    ['', `URL with the password: ${commands.databaseUrl}`],
    ['simulator', processes.driverSim ? `${options.vehicles} vehicles` : 'off'],
    ['data', `${options.home}  (logs: ${join(options.home, 'logs')})`],
  ];
  const lines = rows.map(([name = '', value = '']) => `  ${name.padEnd(11)}${value}`);
  return [
    '',
    run.signInUrl === run.dashboardUrl
      ? 'Hailstream is running.'
      : `Hailstream is running. The dashboard link signs you in within ${SIGN_IN_EXPIRES_IN}. To print another one:\n  ${commands.signIn}`,
    '',
    ...lines,
    '',
    'Press Ctrl-C to stop.',
    '',
    '',
  ].join('\n');
}
