import type { Alert } from '@hailstream/events/alerts';
import { afterEach, describe, expect, it } from 'vitest';
import { locale, localeOf } from '../locale/locale.js';
import { ko } from '../messages/ko.js';
import { serviceKo } from '../messages/service-ko.js';
import { summaryWords } from './summary-words.js';

const english = locale.get();
afterEach(() => locale.set(english));

const alert = (code: string, values: Record<string, number | string>) =>
  ({ summary: 'In English', summary_parts: { code, values } }) as unknown as Alert;

describe(summaryWords, () => {
  it('are those of the service in English', () => {
    expect(summaryWords(alert('zone-left', { vehicle: 'c3f1a2', zone: 'Port' }))).toBe('In English');
  });

  it.each([
    ['zone-left', { vehicle: 'c3f1a2', zone: 'Port' }, '차량 c3f1a2: Port 구역에서 나갔습니다'],
    [
      'vehicle-silent-in-state',
      { vehicle: 'c3f1a2', state: 'on_trip', limitMs: 300_000 },
      `차량 c3f1a2 (${ko['state.on_trip']}): 5분 00초 동안 아무것도 보내지 않았습니다`,
    ],
    ['speeding', { vehicle: 'c3f1a2', speed: 25 }, '차량 c3f1a2: 속도가 90km/h를 넘습니다'],
    ['riders-waiting', { riders: 1_234 }, '승객 1,234명이 기다렸습니다'],
    ['of a newer service', {}, 'In English'],
  ])('are translated: %s', (code, values, words) => {
    locale.set(localeOf({ ...english, language: 'ko', messages: ko, service: serviceKo }));
    expect(summaryWords(alert(code, values))).toBe(words);
  });

  it('are those of the service if an earlier version raised the alert', () => {
    locale.set(localeOf({ ...english, language: 'ko', messages: ko, service: serviceKo }));
    expect(summaryWords({ summary: 'In English' } as Alert)).toBe('In English');
  });
});
