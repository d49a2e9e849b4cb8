import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isAlive } from '@hailstream/service/processes';
import { build } from 'vite';
import { describe, expect, it } from 'vitest';
import { ProcessFolder } from '../src/processes/process-folder.js';

const SLEEP = { command: 'sleep', args: ['600'] } as const;

/** A separate owner process: prints what it has created, and keeps running. */
const OWNER = `
  const { ProcessFolder } = await import(process.argv[1]);
  const folder = new ProcessFolder('hailstream-test-');
  const child = folder.spawn(${JSON.stringify(SLEEP)});
  child.kill('SIGSTOP');
  console.log(JSON.stringify({ path: folder.path, pid: child.pid }));
  setInterval(() => undefined, 1000);
`;

describe('ProcessFolder', () => {
  it('runs programs in its folder and removes both', async () => {
    const folder = new ProcessFolder('hailstream-test-');
    const [first, second] = [folder.spawn(SLEEP), folder.spawn(SLEEP)];
    writeFileSync(join(folder.path, 'kept'), 'here');
    expect([first.pid, second.pid].map(isAlive)).toEqual([true, true]);
    await folder[Symbol.asyncDispose]();
    expect([first.signalCode, second.signalCode]).toEqual(['SIGKILL', 'SIGKILL']);
    expect(existsSync(folder.path)).toBe(false);
  });

  it('is removed after its owner was killed, with paused programs', async () => {
    await using bundle = new ProcessFolder('hailstream-test-');
    const entry = fileURLToPath(new URL('../src/processes/process-folder.ts', import.meta.url));
    await build({
      configFile: false,
      logLevel: 'error',
      build: { ssr: entry, outDir: bundle.path, emptyOutDir: false, target: 'node20' },
    });
    const module = pathToFileURL(join(bundle.path, 'process-folder.js')).href;
    const owner = spawn(process.execPath, ['--input-type=module', '-e', OWNER, module]);
    const [output] = (await once(owner.stdout, 'data')) as [Buffer];
    const { path, pid } = JSON.parse(String(output)) as { path: string; pid: number };
    expect([existsSync(path), isAlive(pid)]).toEqual([true, true]);
    owner.kill('SIGKILL');
    while (existsSync(path) || isAlive(pid)) await delay(10);
  }, 30_000);
});
