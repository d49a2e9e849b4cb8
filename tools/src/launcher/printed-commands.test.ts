import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { repositoryRoot } from '../repository.js';
import { printedCommands } from './printed-commands.js';

describe(printedCommands, () => {
  it('names the home folder only if it is not the default', () => {
    expect(printedCommands(`${repositoryRoot.replace(/\/$/, '')}/.hailstream`).signIn).toBe(
      'npm run --silent token -- --scope read,operate --link',
    );
    expect(printedCommands('/tmp/try').signIn).toBe(
      'npm run --silent token -- --scope read,operate --link --home /tmp/try',
    );
  });

  it.each(['/tmp/my home', "/tmp/o'clock", '/tmp/$HOME `id`', '/tmp/a"b'])('quotes the folder %s', (home) => {
    const option = printedCommands(home).jobs.replace('npm run router -- jobs --home ', '');
    expect(execFileSync('sh', ['-c', `printf %s ${option}`], { encoding: 'utf8' })).toBe(home);
    const script = printedCommands(home).databaseUrl.replace('node -p ', '');
    expect(execFileSync('sh', ['-c', `printf %s ${script}`], { encoding: 'utf8' })).toBe(
      `require(${JSON.stringify(`${home}/run.json`)}).databaseUrl`,
    );
  });
});
