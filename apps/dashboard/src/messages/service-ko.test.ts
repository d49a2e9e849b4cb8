import { alertSentences } from '@hailstream/events/alerts';
import { evidenceSentences } from '@hailstream/events/feeds';
import { describe, expect, it } from 'vitest';
import { serviceKo } from './service-ko.js';

const namesOf = (text: string): string[] => [...new Set(text.match(/\{\w+\}/g))].sort();

describe('the sentences of the service in Korean', () => {
  it.each([
    ['evidence', evidenceSentences, serviceKo.evidence],
    ['alerts', alertSentences, serviceKo.alerts],
  ])('have the values of those in English: %s', (_, english, korean) => {
    const names = (texts: Readonly<Record<string, string>>) =>
      Object.fromEntries(Object.entries(texts).map(([code, text]) => [code, namesOf(text)]));
    expect(names(korean)).toEqual(names(english));
  });
});
