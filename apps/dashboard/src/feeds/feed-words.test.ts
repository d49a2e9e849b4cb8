import type { FeedFinding, FeedHealth, FeedStatus, FeedWindow } from '@hailstream/events/feeds';
import { afterEach, describe, expect, it } from 'vitest';
import { locale, localeOf } from '../locale/locale.js';
import { ko } from '../messages/ko.js';
import { serviceKo } from '../messages/service-ko.js';
import {
  evidenceWords,
  findingTexts,
  latenessWords,
  rateWords,
  shareWords,
  summaryWords,
} from './feed-words.js';

const feed = (status: FeedStatus) => ({ status }) as FeedHealth;

describe(summaryWords, () => {
  it('counts the feeds by status, worst first', () => {
    expect(summaryWords([feed('healthy'), feed('error'), feed('healthy')])).toBe('1 faulty, 2 healthy');
    expect(summaryWords([])).toBe('no provider has sent events');
  });
});

describe(latenessWords, () => {
  it.each<[number | null, number | null, string]>([
    [0, 0.9, 'ahead'],
    [0, 0.1, '0.0 s'],
    [0, null, '0.0 s'],
    [1_400, 0.9, '1.4 s'],
    [null, null, '–'],
  ])('writes %s ms with a share of %s of clocks ahead as %s', (p50, aheadShare, words) => {
    const window = { lateness: { p50, p99: null }, aheadShare } as FeedWindow;
    expect(latenessWords(window, 'p50')).toBe(words);
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

describe(findingTexts, () => {
  const english = locale.get();
  afterEach(() => locale.set(english));
  const sent = { finding: 'late', title: 'Events are late', cause: 'a queue', fix: 'send' } as FeedFinding;

  it('are those of the service in English, and translated otherwise', () => {
    expect(findingTexts(sent)).toEqual(['Events are late', 'a queue', 'send']);
    locale.set(localeOf({ ...english, language: 'ko', messages: ko, service: serviceKo }));
    expect(findingTexts(sent)[0]).toBe('이벤트가 늦게 도착합니다');
    const newer = { ...sent, finding: 'of a newer service' } as unknown as FeedFinding;
    expect(findingTexts(newer)[0]).toBe('Events are late');
  });
});

describe(evidenceWords, () => {
  const english = locale.get();
  afterEach(() => locale.set(english));
  const sent = {
    evidence: '12 % of the items are rejected: bad_param (3) (5 of 40)',
    measured: {
      code: 'rejected-for',
      values: { share: 0.125, part: 1_234, total: 9_872, reasons: 'bad_param (3)' },
    },
  } as unknown as FeedFinding;

  it('is the sentence of the service in English, and made of its values otherwise', () => {
    expect(evidenceWords(sent)).toBe(sent.evidence);
    locale.set(localeOf({ ...english, language: 'ko', messages: ko, service: serviceKo }));
    expect(evidenceWords(sent)).toBe('항목의 13%가 거부되었습니다: bad_param (3) (9,872건 중 1,234건)');
    const late = { code: 'received-after', values: { halfMs: 185_000, fewMs: 7_200_000 } } as const;
    expect(evidenceWords({ ...sent, measured: late })).toBe(
      '이벤트의 절반은 3분 05초 뒤에, 100건 중 1건은 2시간 00분 뒤에 수신되었습니다',
    );
  });

  it('is the sentence of a service that sends another code, or none', () => {
    locale.set(localeOf({ ...english, language: 'ko', messages: ko, service: serviceKo }));
    const newer = { ...sent, measured: { code: 'of a newer service', values: {} } };
    expect(evidenceWords(newer as unknown as FeedFinding)).toBe(sent.evidence);
    const { measured: _, ...older } = sent;
    expect(evidenceWords(older as FeedFinding)).toBe(sent.evidence);
  });
});
