import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where the process ids of what runs are kept, as names of empty files. */
const PIDS = 'running';
/**
 * Runs until its input ends, which it does when we are gone, even by SIGKILL. What was killed may still write for a
 * moment: then the folder is removed at another try.
 */
const CLEANER = `
  cat >/dev/null
  for file in "$1"/${PIDS}/*; do [ -e "$file" ] && kill -KILL "\${file##*/}"; done 2>/dev/null
  for try in 1 2 3 4 5 6 7 8 9 10; do rm -rf -- "$1" 2>/dev/null && exit; sleep 1; done
  exit 1
`;

/** What a program of a process folder is started with. */
export interface FolderProgram {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly stdio?: StdioOptions;
}

/**
 * A temporary folder and the programs, not ours, that work in it. All of them are gone when it is disposed of, and also
 * when this process is killed: a small process beside them sees to it.
 */
export class ProcessFolder implements AsyncDisposable {
  readonly path: string;
  private readonly cleaner: ChildProcess;
  private readonly running = new Set<ChildProcess>();

  constructor(prefix: string) {
    this.path = mkdtempSync(join(tmpdir(), prefix));
    mkdirSync(join(this.path, PIDS));
    // Groups of their own, here and below: a Ctrl-C in the terminal must reach us alone.
    this.cleaner = spawn('sh', ['-c', CLEANER, 'sh', this.path], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    this.cleaner.stdin?.on('error', () => undefined);
    this.cleaner.unref();
  }

  /** Starts a program; it runs in the folder. */
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

  /** Kills what still runs and removes the folder. */
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
