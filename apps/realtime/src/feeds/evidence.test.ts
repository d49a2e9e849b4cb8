import { evidenceSentences, type EvidenceCode } from '@hailstream/events/feeds';
import { describe, expect, it } from 'vitest';
import { evidenceSentence } from './evidence.js';

describe(evidenceSentence, () => {
  it.each([
    [
      'duplicates',
      { share: 0.126, part: 12, total: 95 },
      '13 % of the events were received before (12 of 95)',
    ],
    ['silent-after', { silentMs: 119_400, rate: 2.5 }, 'no event for 119 s; before, 2.5 events a second'],
    ['older-than', { halfMs: 3 * 86_400_000 }, 'half of the events are older than 3 days'],
    [
      'late-by',
      { mostMs: 120_000, halfMs: 7_200_000 },
      'nine of ten events are late by more than 2 min, half by more than 2 h',
    ],
    [
      'rejected-for',
      { share: 0.5, part: 6, total: 12, reasons: 'bad_param (4), missing_param (2)' },
      '50 % of the items are rejected: bad_param (4), missing_param (2) (6 of 12)',
    ],
  ] as const)('writes %s', (code, values, sentence) => {
    expect(evidenceSentence({ code, values })).toBe(sentence);
  });

  it('uses only values with a unit', () => {
    const names = Object.values(evidenceSentences).flatMap((text) => text.match(/\{\w+\}/g) ?? []);
    const known = [
      'share',
      'part',
      'total',
      'hours',
      'rate',
      'reasons',
      'halfMs',
      'mostMs',
      'fewMs',
      'silentMs',
    ];
    expect([...new Set(names)].sort()).toEqual(known.map((name) => `{${name}}`).sort());
    expect(Object.keys(evidenceSentences) satisfies string[] as EvidenceCode[]).toContain('silent');
  });
});
