import { spawn } from 'node:child_process';
import { onStopSignals } from './stop-signals.js';

const END_WITH_PARENT = new URL('./end-with-parent.js', import.meta.url).href;

/** Runs one of the repository's programs on this terminal and resolves with its exit code. Stop signals are forwarded. */
export function runToEnd(
  script: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  nodeOptions: readonly string[] = [],
): Promise<number> {
  const child = spawn(
    process.execPath,
    [...nodeOptions, '--enable-source-maps', '--import', END_WITH_PARENT, script, ...args],
    {
      env,
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
      // Not in the terminal's process group: Ctrl-C must reach it once, forwarded by this process.
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
