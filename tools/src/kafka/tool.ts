import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { ProcessFolder } from '../processes/process-folder.js';
import { KafkaError } from './classpath.js';

const DEFAULT_TIMEOUT_MS = 120_000;
const DEFAULT_HEAP = '256m';

/** Options of a run. */
interface KafkaToolOptions {
  /** Its standard input. @default empty */
  readonly input?: string;
  /** Called with each line of its standard output, which is then not collected. */
  readonly onLine?: (line: string) => void;
  /** The tool is killed after this time. @default two minutes */
  readonly timeoutMs?: number;
  /** Maximum heap size, in the format of `-Xmx`. @default 256m */
  readonly heap?: string;
  /** Additional JVM options. */
  readonly jvm?: readonly string[];
}

interface KafkaToolResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a Java class such as `org.apache.kafka.tools.TopicCommand` until it exits, with any exit code.
 *
 * @throws KafkaError if it does not exit in time, or a signal ends it
 */
export async function kafkaTool(
  classpath: string,
  mainClass: string,
  args: readonly string[],
  options: KafkaToolOptions = {},
): Promise<KafkaToolResult> {
  const { input = '', timeoutMs = DEFAULT_TIMEOUT_MS, onLine } = options;
  await using tool = startKafkaTool(classpath, mainClass, args, options);
  const { child } = tool;
  const output = { stdout: '', stderr: '' };
  if (onLine) {
    createInterface({ input: child.stdout as Readable }).on('line', onLine);
  } else {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  }
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  // A tool may exit before it has read its whole input.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(input);
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  const [exitCode] = (await once(child, 'close').finally(() => clearTimeout(timer))) as [number | null];
  if (exitCode !== null) return { exitCode, ...output };
  const words = `${output.stdout}\n${output.stderr}`.trim();
  throw new KafkaError('FAILED', `${mainClass} was killed within its limit of ${timeoutMs} ms:\n${words}`);
}

/** Starts a Java class. It runs until it exits, is disposed of, or this process ends. */
function startKafkaTool(
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
