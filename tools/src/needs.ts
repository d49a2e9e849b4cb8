import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Time limit for a program to print its version. */
const TIMEOUT_MS = 60_000;

interface Need {
  /** Name in messages. */
  readonly what: string;
  /** How to install it. */
  readonly install: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Matches the version in the command's output. */
  readonly version: RegExp;
  readonly atLeast: readonly number[];
  /** Exit code of the command. @default 0 */
  readonly exitCode?: number;
}

/** Programs that `npm start` and `npm test` do not require: for Apache Kafka, and clients in other languages. */
const NEEDS = {
  java: {
    what: 'Java 17 or newer',
    install: 'apt install openjdk-17-jdk-headless',
    command: 'java',
    args: ['-version'],
    version: /version "([\d.]+)/,
    atLeast: [17],
  },
  maven: {
    what: 'Maven 3.6 or newer',
    install: 'apt install maven',
    command: 'mvn',
    args: ['-version'],
    version: /Apache Maven ([\d.]+)/,
    atLeast: [3, 6],
  },
  go: {
    what: 'Go 1.26 or newer, or Go 1.21 or newer that may download it',
    install: 'apt install golang-go, or https://go.dev/dl if that is older',
    command: 'go',
    args: ['version'],
    version: /go([\d.]+)/,
    atLeast: [1, 21],
  },
  python: {
    what: 'Python 3.9 or newer with venv and pip',
    install: 'apt install python3-venv python3-pip',
    command: 'python3',
    args: ['-c', 'import platform, venv, ensurepip; print(platform.python_version())'],
    version: /^([\d.]+)/,
    atLeast: [3, 9],
  },
  kcat: {
    what: 'kcat 1.7 or newer',
    install: 'apt install kcat',
    command: 'kcat',
    args: ['-V'],
    version: /Version ([\d.]+)/,
    atLeast: [1, 7],
  },
  wrk: {
    what: 'wrk 4 or newer',
    install: 'apt install wrk',
    command: 'wrk',
    args: ['-v'],
    version: /wrk (?:debian\/)?([\d.]+)/,
    atLeast: [4],
    exitCode: 1,
  },
} satisfies Record<string, Need>;

export type NeedName = keyof typeof NEEDS;

/** A required program is not installed or too old; the message has a line for each, with how to install it. */
export class MissingNeedsError extends Error {
  override readonly name = 'MissingNeedsError';
  readonly code = 'MISSING_NEEDS';
}

/** @throws MissingNeedsError if any of the programs that `what` requires is missing or too old */
export async function ensureNeeds(what: string, names: Iterable<NeedName>): Promise<void> {
  const problems = await Promise.all([...new Set(names)].map((name) => problemWith(NEEDS[name])));
  const missing = problems.filter((problem) => problem !== undefined);
  if (missing.length > 0) throw new MissingNeedsError(`${what} requires:\n${missing.join('\n')}`);
}

/** What `execFile` rejects with. */
interface ProgramFailure {
  readonly code?: string | number;
  readonly stdout?: string;
  readonly stderr?: string;
}

async function problemWith(need: Need): Promise<string | undefined> {
  const line = (found: string) => `  ${need.what}: ${found} (${need.install})`;
  let output: string;
  try {
    const { stdout, stderr } = await run(need.command, need.args, { timeout: TIMEOUT_MS });
    output = stdout + stderr;
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as ProgramFailure;
    if (code === 'ENOENT') return line(`${need.command} is not installed`);
    if (code !== (need.exitCode ?? 0)) return line(stderr.trim().split('\n').at(-1) || String(error));
    output = stdout + stderr;
  }
  const found = need.version.exec(output)?.[1];
  if (found === undefined)
    return line(`${need.command} printed ${output.trim().split('\n')[0] ?? 'nothing'}`);
  return isAtLeast(found, need.atLeast) ? undefined : line(`${found} is too old`);
}

function isAtLeast(version: string, wanted: readonly number[]): boolean {
  const found = version.split('.').map(Number);
  for (const [i, part] of wanted.entries()) {
    const difference = (found[i] ?? 0) - part;
    if (difference !== 0) return difference > 0;
  }
  return true;
}
