import type { FeedHealth, FeedStatus } from '@hailstream/events/feeds';
import { describe, expect, it } from 'vitest';
import { rateWords, shareWords, summaryWords } from './feed-words.js';

const feed = (status: FeedStatus) => ({ status }) as FeedHealth;

describe(summaryWords, () => {
  it('counts the feeds by status, worst first', () => {
    expect(summaryWords([feed('healthy'), feed('error'), feed('healthy')])).toBe('1 faulty, 2 healthy');
    expect(summaryWords([])).toBe('no provider has sent events');
  });
});

describe(rateWords, () => {
  it.each([
    [0, '0'],
    [0.05, '0.05'],
    [2.34, '2.3'],
    [9.97, '10'],
    [1_234.4, '1,234'],
  ])('writes %d as %s', (rate, words) => {
    expect(rateWords(rate)).toBe(words);
  });
});

describe(shareWords, () => {
  it.each([
    [null, '–'],
    [0, '0%'],
    [0.004, '<1%'],
    [0.251, '25%'],
  ])('writes %s as %s', (share, words) => {
    expect(shareWords(share)).toBe(words);
  });
});
