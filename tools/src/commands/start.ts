import { parseStartOptions, START_USAGE } from '../launcher/options.js';
import { startScreen } from '../launcher/screen.js';
import { System } from '../launcher/system.js';
import { onStopSignals } from '../processes/stop-signals.js';
import { repositoryRoot } from '../repository.js';
import { type CommandContext, runCommand } from './run-command.js';

/** `npm start`: the whole system on this machine, until it is asked to stop. */
await runCommand(START_USAGE, start);

async function start({ args, env, cwd }: CommandContext): Promise<number> {
  const options = parseStartOptions(args, { cwd, root: repositoryRoot });
  const { system, lock } = await System.prepare(options, env, note);
  await using _lock = lock;
  // A terminal that was closed is no reason to stop, nor to fail while stopping.
  process.stdout.on('error', () => undefined);
  let stopListening: () => void = () => undefined;
  const asked = new Promise<'stop'>((stop) => {
    stopListening = onStopSignals(
      () => stop('stop'),
      () => {
        say('Killing what has not stopped yet');
        system.kill();
      },
    );
  });
  say('Starting …');
  try {
    const started = await Promise.race([system.start(), asked]);
    if (started !== 'stop') {
      say(startScreen(started, options));
      await Promise.race([asked, system.failed]);
    }
    say('Stopping …');
  } finally {
    await system.stop();
    stopListening();
  }
  say('Stopped.');
  return 0;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Something that happened while it runs. */
function note(line: string): void {
  say(`${new Date().toTimeString().slice(0, 8)} ${line}`);
}
