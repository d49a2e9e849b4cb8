import { createLogger } from '@hailstream/service/logging';
import { PostgresError, startPostgres, type RunningPostgres } from '../postgres.js';
import { watchServer, type ServerEnd, type ServerWatch } from '../postgres/watch.js';
import { onStopSignals } from '../processes/stop-signals.js';

/**
 * The embedded Postgres in a process of its own, so that it is stopped when the launcher is gone, however it went.
 * Arguments: data folder, port. Tells its parent the URL once it answers. Ends with exit code 1 if the server ends or
 * hangs: the launcher starts it again then.
 */
const [dataDir = '', port = ''] = process.argv.slice(2);
const logger = createLogger({ name: 'postgres', level: 'info' });

const started = startPostgres({ dataDir, port: Number(port), logger });
// Keeps this process: the server is another one.
const alive = setInterval(() => undefined, 60_000);
let watch: ServerWatch | undefined;
let isStopping = false;
// A stop while it starts waits for the start: a server half started would be left behind.
const stop = async (): Promise<void> => {
  isStopping = true;
  const postgres = await started.catch(() => undefined);
  watch?.[Symbol.dispose]();
  await postgres?.[Symbol.asyncDispose]();
  clearInterval(alive);
};
onStopSignals(
  () => void stop(),
  () => process.exit(1),
);

try {
  const postgres = await started;
  process.send?.({ url: postgres.url });
  watch = watchServer(postgres);
  void watch.failed.then((end) => giveUp(postgres, end));
} catch (error) {
  clearInterval(alive);
  if (!(error instanceof PostgresError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

function giveUp({ pid }: RunningPostgres, end: ServerEnd): void {
  if (isStopping) return;
  const message = end === 'ended' ? 'Postgres server ended' : 'Postgres server does not answer and is killed';
  logger.error({ serverPid: pid }, message);
  // What is left of it is ended by the next start.
  if (end === 'hung') process.kill(pid, 'SIGKILL');
  process.exitCode = 1;
  watch?.[Symbol.dispose]();
  clearInterval(alive);
}
