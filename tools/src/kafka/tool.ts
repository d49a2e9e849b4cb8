import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { ProcessFolder } from '../processes/process-folder.js';
import { KafkaError } from './kafka-error.js';

const DEFAULT_TIMEOUT_MS = 120_000;
const DEFAULT_HEAP = '256m';

/** How a tool is run. */
export interface KafkaToolOptions {
  /** What it reads, then the end. @default nothing */
  readonly input?: string;
  /** Killed after this long. @default two minutes */
  readonly timeoutMs?: number;
  /** Largest heap, as `-Xmx` wants it. @default 256m */
  readonly heap?: string;
  /** Further options of Java's own. */
  readonly jvm?: readonly string[];
}

export interface KafkaToolResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a Java class to its end, with whatever exit code: `org.apache.kafka.tools.TopicCommand`, say.
 *
 * @throws KafkaError where it is not done in time, or ended by a signal
 */
export async function kafkaTool(
  classpath: string,
  mainClass: string,
  args: readonly string[],
  options: KafkaToolOptions = {},
): Promise<KafkaToolResult> {
  const { input = '', timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  await using tool = startKafkaTool(classpath, mainClass, args, options);
  const { child } = tool;
  const said = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
  // A tool may end before it has read everything.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(input);
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  const [exitCode] = (await once(child, 'close').finally(() => clearTimeout(timer))) as [number | null];
  if (exitCode !== null) return { exitCode, ...said };
  const words = `${said.stdout}\n${said.stderr}`.trim();
  throw new KafkaError('FAILED', `${mainClass} was killed, after ${timeoutMs} ms at most:\n${words}`);
}

/** Starts a Java class; it ends with its disposal, with this process, or by itself. */
export function startKafkaTool(
  classpath: string,
  mainClass: string,
  args: readonly string[],
  { heap = DEFAULT_HEAP, jvm = [] }: Pick<KafkaToolOptions, 'heap' | 'jvm'> = {},
): AsyncDisposable & { readonly child: ChildProcess } {
  const folder = new ProcessFolder('hailstream-kafka-tool-');
  const child = folder.spawn({
    command: 'java',
    args: [`-Xmx${heap}`, ...jvm, '-cp', classpath, mainClass, ...args],
  });
  return { child, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}
