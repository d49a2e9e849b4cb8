import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { VERSION } from './broker.js';
import { parseCommand } from './command-line.js';
import { BROKER_SETTINGS } from './config/settings/broker-settings.js';

describe(parseCommand, () => {
  it('uses the defaults of the broker', () => {
    expect(parseCommand([])).toEqual({
      kind: 'run',
      options: { dataDir: '.hailstream/broker', settings: {} },
      logLevel: 'info',
    });
  });

  it('parses settings, ports and the data directory', () => {
    const args = [
      '--port',
      '0',
      '--set',
      'num.partitions=3',
      '--set',
      'broker.rack=a=b',
      '--metrics-port',
      '9',
    ];
    expect(parseCommand([...args, '--set', 'log.dirs=/data', '--log-level', 'warn'])).toEqual({
      kind: 'run',
      options: {
        port: 0,
        dataDir: '/data',
        settings: { 'num.partitions': '3', 'broker.rack': 'a=b', 'metrics.port': '9', 'log.dirs': '/data' },
      },
      logLevel: 'warn',
    });
  });

  it.each([
    [['--port', '70000'], /--port must be a number up to 65535, got '70000'/],
    [['--metrics-port', 'x'], /--metrics-port must be a number/],
    [['--set', 'num.partitions'], /--set must be NAME=VALUE, got 'num.partitions'/],
    [['--set', 'log.dirs=/a,/b'], /log\.dirs must be one directory/],
    [['--log-level', 'loud'], /--log-level must be one of trace/],
    [['--nonsense'], /--nonsense/],
  ])('rejects %j', (args, message) => {
    expect(() => parseCommand(args)).toThrow(message);
  });

  it('prints the version of the package', () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    expect(VERSION).toBe(version);
    expect(parseCommand(['--version'])).toEqual({ kind: 'tell', text: `${version}\n` });
  });

  it('prints options and settings with --help', () => {
    const help = parseCommand(['--help']);
    const text = help.kind === 'tell' ? help.text : '';
    for (const option of ['--host', '--port', '--data-dir', '--config', '--set', '--metrics-port']) {
      expect(text).toContain(option);
    }
    const named = [...text.matchAll(/--set ([a-z.]+)=/g)].map(([, name]) => name as string);
    expect(named.length).toBeGreaterThan(3);
    for (const name of named) expect(Object.keys(BROKER_SETTINGS)).toContain(name);
  });
});
