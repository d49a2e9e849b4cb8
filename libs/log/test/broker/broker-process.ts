import { spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process';
import * as path from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));
/** Inside the package, so that Node resolves the modules that are not bundled. */
const CACHE = path.join(PACKAGE, 'node_modules/.cache');

/**
 * Bundles the broker's command from its sources, so that tests need no build.
 *
 * @param user names the bundle, so that concurrent test files do not overwrite each other's
 * @returns the path of the bundle
 */
export async function bundleBroker(user: string): Promise<string> {
  const outDir = path.join(CACHE, `broker-${user}`);
  await build({
    configFile: false,
    logLevel: 'error',
    ssr: { external: ['pino', '@node-rs/crc32'] },
    build: {
      ssr: path.join(PACKAGE, 'src/broker/main.ts'),
      outDir,
      target: 'node20',
      rollupOptions: { output: { entryFileNames: 'main.mjs' } },
    },
  });
  return path.join(outDir, 'main.mjs');
}

/** A broker in a separate process. */
export interface BrokerProcess {
  readonly child: ChildProcess;
  readonly output: () => string;
  /** The exit code, once the process has exited. */
  readonly exited: Promise<number | null>;
}

/** Runs the command. */
export function runBroker(main: string, args: readonly string[]): BrokerProcess {
  return watchProcess(spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] }));
}

/** Records the output of a broker process and its exit. */
export function watchProcess(child: ChildProcessByStdio<null, Readable, Readable>): BrokerProcess {
  let output = '';
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  child.stderr.on('data', (chunk) => (output += String(chunk)));
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', resolve);
  });
  return { child, output: () => output, exited };
}
