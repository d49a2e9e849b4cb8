import { describe, expect, it } from 'vitest';
import { command } from './_system.js';

describe('npm run bench -- --quick hostile', () => {
  it('holds every attack, and the other provider is served', async () => {
    const { code, stdout, stderr } = await command(['bench', '--quick', 'hostile']);
    const failures = stderr.split('\n').filter((line) => line.includes('not held'));
    expect(failures).toEqual([]);
    expect(code, stderr).toBe(0);
    const groups = [...stdout.matchAll(/^\| (?<name>[a-z ]+) \| (?<attempts>\d+) \| (?<held>\d+) \| 0 \|/gm)];
    expect(groups.map(({ groups: row }) => row?.['name'])).toEqual([
      'bodies',
      'anonymous clients',
      'tokens',
      'other web sites',
      'ids of others',
      'event times',
      'records',
      'protocol of the broker',
      'sockets',
      'a large fleet',
    ]);
    for (const { groups: row } of groups) expect(row?.['held']).toBe(row?.['attempts']);
  });
});
