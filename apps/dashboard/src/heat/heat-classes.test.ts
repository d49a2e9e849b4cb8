import type { DemandCell } from '@hailstream/events/live';
import { afterEach, describe, expect, it } from 'vitest';
import { locale, localeOf } from '../locale/locale.js';
import { ko } from '../messages/ko.js';
import { heatClasses, heatClassOf, mostWanted } from './heat-classes.js';

const cell = (requests: number, waiting: number, available: number, nearby = available): DemandCell => [
  '',
  requests,
  waiting,
  available,
  nearby,
  [],
];
const labelOf = (choice: 'balance' | 'demand' | 'supply', of: DemandCell): string | undefined =>
  heatClasses(choice)[heatClassOf(choice, of) ?? -1]?.label;

const english = locale.get();
afterEach(() => locale.set(english));

describe('heatClasses', () => {
  it('has labels in the language of the page', () => {
    locale.set(localeOf({ ...english, language: 'ko', messages: ko }));
    expect(heatClasses('supply').map(({ label }) => label)).toEqual(['1', '2–3', '4–7', '8–15', '16 이상']);
    expect(heatClasses('balance')[2]?.label).toBe('호출과 빈 차량이 같음');
  });
});

describe('heatClassOf', () => {
  it.each([
    [cell(3, 1, 0, 0), 'Riders wait, no free vehicle near'],
    [cell(3, 1, 0, 1), 'More requests than free vehicles'],
    [cell(3, 0, 2), 'More requests than free vehicles'],
    [cell(2, 0, 2), 'As many requests as free vehicles'],
    [cell(1, 1, 4), 'More free vehicles than requests'],
    [cell(0, 0, 4), 'Free vehicles, no requests'],
  ])('balances %j as %s', (of, label) => {
    expect(labelOf('balance', of)).toBe(label);
  });

  it('counts requests and free vehicles in classes', () => {
    expect([1, 2, 3, 4, 7, 8, 15, 16, 99].map((count) => labelOf('demand', cell(count, 0, 0)))).toEqual([
      '1',
      '2 to 3',
      '2 to 3',
      '4 to 7',
      '4 to 7',
      '8 to 15',
      '8 to 15',
      '16 or more',
      '16 or more',
    ]);
    expect(labelOf('supply', cell(9, 9, 1))).toBe('1');
    expect(heatClassOf('demand', cell(0, 0, 5))).toBeNull();
  });
});

describe('mostWanted', () => {
  it('has cells without a free vehicle near first, then those with the most riders', () => {
    const served = cell(9, 5, 1, 4);
    const [few, many] = [cell(1, 1, 0, 0), cell(4, 3, 0, 0)];
    expect(mostWanted([served, few, cell(4, 0, 0, 0), many], 3)).toEqual([many, few, served]);
  });
});
