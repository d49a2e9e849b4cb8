import { describe, expect, it } from 'vitest';
import { parseRuleFile, readRuleFile, RuleFileError } from './rule-file.js';

function problemsOf(text: string): string[] {
  try {
    parseRuleFile(text, 'alerts.yaml');
  } catch (error) {
    if (error instanceof RuleFileError) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe(parseRuleFile, () => {
  it('reads rules of every kind, with defaults and durations in milliseconds', () => {
    const rules = parseRuleFile(
      `rules:
  - { id: silent, kind: vehicle-silent, longerThan: 5m, states: [on_trip] }
  - { id: in, kind: zone-entered, zone: old-town, severity: critical }
  - { id: out, kind: zone-left, zone: depot }
  - { id: parked, kind: zone-dwell, zone: station, longerThan: 15m }
  - { id: queue, kind: riders-waiting, zone: station, riders: 12, waitingFor: 10m, for: 30s, clearBelow: 8 }
  - { id: lag, kind: feed-lag, longerThan: 90s, clearAfter: 2m, maxPerMinute: 1 }
  - { id: fast, kind: speeding, fasterThan: 13.9, longerThan: 20s }
`,
      'alerts.yaml',
    );
    const defaults = { severity: 'warning', for: 0, clearAfter: 30_000, maxPerMinute: 10 };
    expect(rules).toEqual([
      { ...defaults, id: 'silent', kind: 'vehicle-silent', longerThan: 300_000, states: ['on_trip'] },
      { ...defaults, id: 'in', kind: 'zone-entered', zone: 'old-town', severity: 'critical' },
      { ...defaults, id: 'out', kind: 'zone-left', zone: 'depot' },
      { ...defaults, id: 'parked', kind: 'zone-dwell', zone: 'station', longerThan: 900_000 },
      {
        ...defaults,
        id: 'queue',
        kind: 'riders-waiting',
        zone: 'station',
        riders: 12,
        waitingFor: 600_000,
        for: 30_000,
        clearBelow: 8,
      },
      { ...defaults, id: 'lag', kind: 'feed-lag', longerThan: 90_000, clearAfter: 120_000, maxPerMinute: 1 },
      { ...defaults, id: 'fast', kind: 'speeding', fasterThan: 13.9, longerThan: 20_000 },
    ]);
  });

  it('reads JSON, which is YAML', () => {
    expect(parseRuleFile('{"rules":[{"id":"lag","kind":"feed-lag","longerThan":"1h"}]}', 'a')).toMatchObject([
      { id: 'lag', longerThan: 3_600_000 },
    ]);
  });

  it.each([
    ['{ id: a, kind: nothing }', 'rules[0].kind: expected one of vehicle-silent, zone-entered'],
    ['{ id: a, kind: zone-entered }', 'rules[0].zone: is required'],
    ['{ id: A b, kind: feed-lag, longerThan: 1m }', 'rules[0].id: '],
    ['{ id: a, kind: feed-lag, longerThan: soon }', 'rules[0].longerThan: '],
    ['{ id: a, kind: feed-lag, longerThan: 1m, foo: 1 }', 'rules[0].foo: is unknown'],
    [
      '{ id: a, kind: vehicle-silent, longerThan: 1m, states: [lost] }',
      'rules[0].states[0]: expected one of',
    ],
    [
      '{ id: a, kind: riders-waiting, riders: 2, clearBelow: 3 }',
      'rules[0].clearBelow: expected at most riders, 2',
    ],
  ])('rejects %s', (rule, problem) => {
    expect(
      problemsOf(`rules: [${rule}]`).map((line) => line.slice(0, `alerts.yaml: ${problem}`.length)),
    ).toContain(`alerts.yaml: ${problem}`);
  });

  it('rejects two rules with the same id, an empty file and invalid YAML', () => {
    const rule = '{ id: a, kind: feed-lag, longerThan: 1m }';
    expect(problemsOf(`rules: [${rule}, ${rule}]`)).toEqual([
      'alerts.yaml: rules: two rules have the id "a"',
    ]);
    expect(problemsOf('')).toEqual(['alerts.yaml: rules: is required']);
    expect(problemsOf('rules: [')[0]).toMatch(/^alerts\.yaml: /);
  });

  it('names a file that cannot be read', () => {
    expect(() => readRuleFile('/nowhere/alerts.yaml')).toThrow('/nowhere/alerts.yaml: ENOENT');
  });
});
