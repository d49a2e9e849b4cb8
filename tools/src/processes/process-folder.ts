import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Folder of empty files named after the ids of the running processes. */
const PIDS = 'running';
/**
 * Runs until its input ends, which happens when this process ends, even by SIGKILL. Killed processes may still write for
 * a moment, so the removal is retried.
 */
const CLEANER = `
  cat >/dev/null
  for file in "$1"/${PIDS}/*; do [ -e "$file" ] && kill -KILL "\${file##*/}"; done 2>/dev/null
  for try in 1 2 3 4 5 6 7 8 9 10; do rm -rf -- "$1" 2>/dev/null && exit; sleep 1; done
  exit 1
`;

/** A program to start in a process folder. */
interface FolderProgram {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly stdio?: StdioOptions;
}

/**
 * A temporary folder and third-party programs that run in it. Disposal ends the programs and removes the folder. If this
 * process is killed, a helper process does the same.
 */
export class ProcessFolder implements AsyncDisposable {
  readonly path: string;
  private readonly cleaner: ChildProcess;
  private readonly running = new Set<ChildProcess>();

  constructor(prefix: string) {
    this.path = mkdtempSync(join(tmpdir(), prefix));
    mkdirSync(join(this.path, PIDS));
    // Separate process groups, here and below: Ctrl-C in the terminal must reach only this process.
    this.cleaner = spawn('sh', ['-c', CLEANER, 'sh', this.path], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    this.cleaner.stdin?.on('error', () => undefined);
    this.cleaner.unref();
  }

  /** Starts a program with the folder as its working folder. */
  spawn({ command, args, env, stdio }: FolderProgram): ChildProcess {
    const child = spawn(command, args, { cwd: this.path, env, stdio: stdio ?? 'pipe', detached: true });
    const { pid } = child;
    if (pid === undefined) return child;
    const pidFile = join(this.path, PIDS, String(pid));
    writeFileSync(pidFile, '');
    this.running.add(child);
    child.once('exit', () => {
      this.running.delete(child);
      rmSync(pidFile, { force: true });
    });
    return child;
  }

  /** Kills the running programs and removes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      [...this.running].map((child) => {
        const exited = once(child, 'exit');
        child.kill('SIGKILL');
        return exited;
      }),
    );
    if (this.cleaner.exitCode !== null || this.cleaner.signalCode !== null) {
      rmSync(this.path, { recursive: true, force: true });
      return;
    }
    const cleaned = once(this.cleaner, 'exit');
    this.cleaner.ref();
    this.cleaner.stdin?.end();
    await cleaned;
  }
}
