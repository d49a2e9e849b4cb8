import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { environment, eventually, System, temporaryHome } from './_system.js';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs a command as printed, in a shell, in the folder of the repository. */
async function shell(command: string): Promise<string> {
  const { stdout } = await promisify(execFile)('sh', ['-c', command], { cwd: root, env: environment() });
  return stdout.trim();
}

describe('the start screen, of a system with another home folder and other ports', () => {
  let home: AsyncDisposable & { readonly folder: string };
  let system: System;
  let screen: string;
  beforeAll(async () => {
    home = await temporaryHome();
    system = await System.start(home.folder, { args: ['--no-sim'] });
    screen = await eventually('the screen is printed', () =>
      system.launcher.stdout.includes('Ctrl-C') ? system.launcher.stdout : undefined,
    );
  });
  afterAll(async () => {
    await system?.[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  });

  it('prints only URLs that respond', async () => {
    const urls = screen.match(/http:\S+[\w/=]/g) ?? [];
    expect(urls.length).toBeGreaterThanOrEqual(4);
    for (const url of urls.filter((each) => new URL(each).pathname !== '/' || each.includes('#'))) {
      expect([url, (await fetch(url)).status]).toEqual([url, 200]);
    }
  });

  it('prints a command that prints a URL with which Postgres accepts connections, and no password', async () => {
    const [, command = ''] = /URL with the password: (.*)$/m.exec(screen) ?? [];
    const connectionString = await shell(command);
    const { password, host } = new URL(connectionString);
    expect(screen).toContain(host);
    expect(password.length).toBeGreaterThan(10);
    expect(screen).not.toContain(password);
    const client = new pg.Client({ connectionString });
    await client.connect();
    const { rows } = await client.query<{ tables: string }>(
      "SELECT count(*) AS tables FROM pg_tables WHERE schemaname = 'ride'",
    );
    await client.end();
    expect(Number(rows[0]?.tables)).toBeGreaterThan(4);
  });

  it('has a page that shows a command that prints a valid link', async () => {
    const { dashboardUrl } = await system.run();
    const commands = (await (await fetch(`${dashboardUrl}/commands`)).json()) as Record<string, string>;
    const link = new URL(await shell(commands['signIn'] ?? ''));
    expect(link.origin).toBe(dashboardUrl);
    const authorization = `Bearer ${link.hash.replace('#token=', '')}`;
    expect((await fetch(`${dashboardUrl}/city`)).status).toBe(401);
    expect((await fetch(`${dashboardUrl}/city`, { headers: { authorization } })).status).toBe(200);
    expect(commands['replay']).toBe(`npm run replay -- FILE --speed 10 --home ${home.folder}`);
  });
});
