import { afterEach, describe, expect, it } from 'vitest';
import { en } from '../messages/en.js';
import { ko } from '../messages/ko.js';
import type { MessageKey } from '../messages/messages.js';
import { locale, localeOf } from './locale.js';
import { plural, t, textOf } from './text.js';

const english = locale.get();
afterEach(() => locale.set(english));

const keys = Object.keys(en) as MessageKey[];
const valueNames = (text: string) => [...new Set(text.match(/\{\w+\}/g))].sort();

describe('the texts', () => {
  it('have the same keys in both languages, in order', () => {
    expect(Object.keys(ko)).toEqual(keys);
    expect(keys).toEqual(keys.toSorted());
  });

  it('have the same values in both languages', () => {
    expect(keys.filter((key) => `${valueNames(ko[key])}` !== `${valueNames(en[key])}`)).toEqual([]);
  });

  it('are not empty, and are in Korean except for names and units', () => {
    expect(keys.filter((key) => en[key].trim() === '' || ko[key].trim() === '')).toEqual([]);
    const untranslated = keys.filter((key) => !key.startsWith('unit.') && !/[가-힣]/.test(ko[key]));
    expect(untranslated.filter((key) => /[a-z]{3}/i.test(en[key].replaceAll(/\{\w+\}/g, '')))).toEqual([]);
  });

  it('have both forms for a number', () => {
    const bases = (form: string) =>
      keys.filter((key) => key.endsWith(form)).map((key) => key.slice(0, -form.length));
    expect(bases('.one')).toEqual(bases('.other'));
  });
});

describe('t', () => {
  it('fills in values, in the language of the page', () => {
    expect(t('duration.minutes', { minutes: 3, seconds: '05' })).toBe('3 min 05 s');
    locale.set(localeOf({ ...english, language: 'ko', messages: ko }));
    expect(t('duration.minutes', { minutes: 3, seconds: '05' })).toBe('3분 05초');
  });

  it('writes a name without a text as words', () => {
    expect(textOf('event.battery_low' as MessageKey)).toBe('battery low');
  });
});

describe('plural', () => {
  it('chooses the form by the language, and formats the number', () => {
    expect([plural('vehicles', 1), plural('vehicles', 1234)]).toEqual(['1 vehicle', '1,234 vehicles']);
    locale.set(localeOf({ ...english, language: 'ko', messages: ko }));
    expect([plural('vehicles', 1), plural('vehicles', 1234)]).toEqual(['차량 1대', '차량 1,234대']);
  });
});
