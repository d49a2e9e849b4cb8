import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { environment, eventually, System, temporaryHome } from './_system.js';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Writes the example of docs/live.md to a folder that has the packages of the realtime service. */
async function exampleClient(): Promise<{ readonly file: string } & AsyncDisposable> {
  const document = await readFile(join(root, 'docs', 'live.md'), 'utf8');
  const [, code = ''] = /```js\n(.*?)```/s.exec(document) ?? [];
  const folder = await mkdtemp(join(tmpdir(), 'hail-client-'));
  await symlink(join(root, 'apps', 'realtime', 'node_modules'), join(folder, 'node_modules'));
  const file = join(folder, 'client.mjs');
  await writeFile(file, code);
  return { file, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

it('the example client in docs/live.md receives the vehicles', async () => {
  await using home = await temporaryHome();
  await using system = await System.start(home.folder, { args: ['--vehicles', '20'] });
  await using client = await exampleClient();
  const { dashboardUrl } = await system.run();
  const child = spawn(process.execPath, [client.file, dashboardUrl, await system.token('read')], {
    env: environment(),
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  try {
    await eventually('the client has all vehicles', () => output.includes('\n20 vehicles in the viewport, '));
    expect(output).not.toContain('refused');
    expect(output).not.toContain('cannot connect');
  } finally {
    child.kill();
  }
});
