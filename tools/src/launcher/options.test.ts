import { describe, expect, it } from 'vitest';
import { parseStartOptions, PORT_OPTIONS, START_USAGE } from './options.js';

const folders = { cwd: '/users/ada', root: '/src/hailstream' };
const parse = (...args: string[]) => parseStartOptions(args, folders);

describe('parseStartOptions', () => {
  it('has a default for everything', () => {
    expect(parse()).toEqual({
      home: '/src/hailstream/.hailstream',
      host: '127.0.0.1',
      ports: {
        ingest: 4000,
        realtime: 4001,
        batch: 4002,
        driverSim: 4003,
        router: 4004,
        broker: 9092,
        postgres: 54320,
      },
      cities: [],
      vehicles: 250,
      simulate: true,
      batchEvery: '60s',
      router: undefined,
      zones: undefined,
      alerts: undefined,
    });
  });

  it('resolves relative paths from the current folder', () => {
    expect(parse('--home', 'here', '--city', '../lyon.geojson', '--router', 'router.yaml')).toMatchObject({
      home: '/users/ada/here',
      cities: ['/users/lyon.geojson'],
      router: '/users/ada/router.yaml',
    });
  });

  it('accepts a port for every listener, including 0', () => {
    const args = Object.values(PORT_OPTIONS).flatMap(({ option }, index) => [`--${option}`, String(index)]);
    expect(Object.values(parse(...args).ports)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it.each([
    [['--ingest-port', 'http'], '--ingest-port: expected a whole number from 0 to 65535, got "http"'],
    [['--broker-port', '65536'], '--broker-port: expected a whole number from 0 to 65535, got "65536"'],
    [['--vehicles', '1.5'], '--vehicles: expected a whole number from 1 to 20000, got "1.5"'],
  ])('refuses %j', (args, message) => {
    expect(() => parse(...args)).toThrow(message);
  });

  it.each([[['--vehicle', '5']], [['--vehicles']], [['--vehicles', '-1']], [['somewhere']]])(
    'rejects %j in one line that lists the known options',
    (args) => {
      expect(() => parse(...args)).toThrow(/^[^\n]+known options: [^\n]*--vehicles[^\n]*$/);
    },
  );

  it('documents every option', () => {
    for (const { option, port } of Object.values(PORT_OPTIONS)) {
      expect(START_USAGE).toMatch(new RegExp(`--${option} .*${port}`));
    }
  });
});
