import { spawn } from 'node:child_process';
import { onStopSignals } from './stop-signals.js';

const END_WITH_PARENT = new URL('./end-with-parent.js', import.meta.url).href;

/** Runs a program of ours on this terminal and resolves with its exit code; what asks us to stop is passed on to it. */
export function runToEnd(script: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const child = spawn(
    process.execPath,
    ['--enable-source-maps', '--import', END_WITH_PARENT, script, ...args],
    {
      env,
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
      // Out of the terminal's process group: a Ctrl-C must reach it once, through us.
      detached: true,
    },
  );
  onStopSignals(
    () => child.kill('SIGTERM'),
    () => child.kill('SIGKILL'),
  );
  return new Promise<number>((done, fail) => {
    child.once('error', fail);
    child.once('exit', (code) => done(code ?? 1));
  });
}
