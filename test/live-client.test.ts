import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { environment, eventually, System, temporaryHome } from './_system.js';
import { startTcpProxy } from './_tcp-proxy.js';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Writes an example of docs/live.md to a folder that has the packages of the realtime service. */
async function exampleClient(includes: string): Promise<{ readonly file: string } & AsyncDisposable> {
  const document = await readFile(join(root, 'docs', 'live.md'), 'utf8');
  const examples = [...document.matchAll(/```js\n(.*?)```/gs)].map(([, code = '']) => code);
  const code = examples.filter((each) => each.includes(includes));
  expect(code.length).toBe(1);
  const folder = await mkdtemp(join(tmpdir(), 'hail-client-'));
  await symlink(join(root, 'apps', 'realtime', 'node_modules'), join(folder, 'node_modules'));
  const file = join(folder, 'client.mjs');
  await writeFile(file, code[0]!);
  return { file, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

/** How many clients have continued the state that they had. */
async function resumedCount(url: string): Promise<number> {
  const text = await (await fetch(new URL('/metrics', url))).text();
  return Number(/^realtime_answers_total\{kind="resumed"\} (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** Runs a program and collects what it prints. */
function run(file: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(file, args, { env: { ...environment(), ...env } });
  const printed = { text: '', [Symbol.dispose]: () => void child.kill() };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (printed.text += text));
  }
  child.on('error', (error) => (printed.text += error.message));
  return printed;
}

describe('the examples in docs/live.md', () => {
  let home: AsyncDisposable & { readonly folder: string };
  let system: System;
  let url: string;
  let token: string;
  beforeAll(async () => {
    home = await temporaryHome();
    system = await System.start(home.folder, { args: ['--vehicles', '20'] });
    url = (await system.run()).dashboardUrl;
    token = await system.token('read');
  });
  afterAll(async () => {
    await system?.[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  });

  it('receive the vehicles over socket.io', async () => {
    await using client = await exampleClient('socket.io-client');
    using printed = run(process.execPath, [client.file, url, token]);
    await eventually('the client has all vehicles', () =>
      printed.text.includes('\n20 vehicles in the viewport, '),
    );
    expect(printed.text).not.toContain('refused');
    expect(printed.text).not.toContain('cannot connect');
  });

  it.each([
    ['socket.io-client', 'vehicles in the viewport'],
    ['/stream?', 'vehicles in the area'],
  ])('continue after the network was cut: %s', async (includes, words) => {
    await using proxy = await startTcpProxy(url);
    await using client = await exampleClient(includes);
    using printed = run(process.execPath, [client.file, proxy.origin, token]);
    await eventually('the client has all vehicles', () => printed.text.includes(`\n20 ${words}, `));
    const before = await resumedCount(url);
    proxy.cut();
    await eventually('connections have failed', () => proxy.refusedCount >= 2);
    const { length } = printed.text;
    proxy.restore();
    await eventually('the client has all vehicles again', () =>
      printed.text.slice(length).includes(`\n20 ${words}, `),
    );
    await eventually('it has continued its state', async () => (await resumedCount(url)) > before);
  });

  it('receive the vehicles as server-sent events', async () => {
    await using client = await exampleClient('/stream?');
    using printed = run(process.execPath, [client.file, url, token]);
    await eventually('the client has all vehicles', () =>
      printed.text.includes('\n20 vehicles in the area, '),
    );
    expect(printed.text).not.toContain('disconnected');
  });

  it('receive frames with curl', async () => {
    const document = await readFile(join(root, 'docs', 'live.md'), 'utf8');
    const [, command = ''] = /^ {4}(curl .*)$/m.exec(document) ?? [];
    using printed = run('sh', ['-c', `exec ${command}`], { URL: url, TOKEN: token });
    await eventually('curl prints a frame', () => printed.text.includes('\nevent: frame\nid: '));
    expect(printed.text).toMatch(/^event: snapshot\nid: \d+-\d+-\S+\ndata: \{.*"vehicles":\[\[/m);
  });
});
