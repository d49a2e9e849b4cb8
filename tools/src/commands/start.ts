import { keepFilesPrivate } from '@hailstream/service/private-files';
import { parseStartOptions, START_USAGE } from '../launcher/options.js';
import { startScreen } from '../launcher/screen.js';
import { System } from '../launcher/system.js';
import { onParentGone, onStopSignals } from '../processes/stop-signals.js';
import { repositoryRoot } from '../repository.js';
import { type CommandContext, runCommand } from './run-command.js';

/** `npm start`: runs the whole system on this machine until SIGINT or SIGTERM. */
await runCommand(START_USAGE, start);

async function start({ args, env, cwd }: CommandContext): Promise<number> {
  // Inherited by every process of the system.
  keepFilesPrivate();
  const options = parseStartOptions(args, { cwd, root: repositoryRoot });
  // A closed terminal neither stops the system nor makes its shutdown fail.
  process.stdout.on('error', () => undefined);
  let system: System | undefined;
  const insist = (): void => {
    say('Killing the processes that have not stopped yet');
    if (system === undefined) process.exit(1);
    system.kill();
  };
  const asked = new Promise<'stop'>((stop) => {
    onStopSignals(() => stop('stop'), insist);
    // If npm is killed, the system stops. Started in any other way, it may outlive its parent.
    if (env['npm_lifecycle_event'] !== undefined) onParentGone(() => stop('stop'));
  });
  const prepared = await System.prepare(options, env, note);
  await using _lock = prepared.lock;
  system = prepared.system;
  say('Starting …');
  try {
    const started = await Promise.race([asked, system.start()]);
    if (started !== 'stop') {
      say(startScreen(started, options));
      await Promise.race([asked, system.failed]);
    }
    say('Stopping …');
  } finally {
    await system.stop();
  }
  say('Stopped.');
  return 0;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Prints an event with its time. */
function note(line: string): void {
  say(`${new Date().toTimeString().slice(0, 8)} ${line}`);
}
