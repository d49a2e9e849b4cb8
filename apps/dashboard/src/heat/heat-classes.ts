import type { DemandCell } from '@hailstream/events/live';
import type { Theme } from '../theme/theme.js';
import type { HeatChoice } from '../address/choices.js';
import { t } from '../locale/text.js';

/** A class of cells, in the order of the legend. */
interface HeatClass {
  readonly label: string;
  readonly color: Readonly<Record<Theme, string>>;
}

/** Colours of Okabe and Ito, from more riders to more vehicles. */
const balance = [
  { name: 'unserved', color: { light: '#d55e00', dark: '#d55e00' } },
  { name: 'short', color: { light: '#e69f00', dark: '#e69f00' } },
  { name: 'even', color: { light: '#8f979e', dark: '#7f8a94' } },
  { name: 'more', color: { light: '#56b4e9', dark: '#56b4e9' } },
  { name: 'idle', color: { light: '#0072b2', dark: '#2f7fb8' } },
] as const;

/** Least counts of the classes of a single count. */
const steps = [1, 2, 4, 8, 16] as const;

/** Lightness changes evenly, so that the ramp also works without colour. */
const ramp: readonly Readonly<Record<Theme, string>>[] = [
  { light: '#f3c59b', dark: '#4b3a78' },
  { light: '#dd8f6b', dark: '#3c6d94' },
  { light: '#b75a73', dark: '#349a96' },
  { light: '#7d3576', dark: '#7cc46a' },
  { light: '#3d1b5c', dark: '#f4e26e' },
];

/** The classes of a choice, with labels in the language of the page. */
export function heatClasses(choice: Exclude<HeatChoice, 'none'>): readonly HeatClass[] {
  return choice === 'balance'
    ? balance.map(({ name, color }) => ({ label: t(`heat.balance.${name}`), color }))
    : steps.map((least, at) => ({ label: countLabel(least, steps[at + 1]), color: ramp[at]! }));
}

/** @param next the least count of the next class; `undefined` for the last one */
function countLabel(least: number, next: number | undefined): string {
  if (next === undefined) return t('heat.orMore', { least });
  return next === least + 1 ? String(least) : t('heat.range', { least, most: next - 1 });
}

/** The class of a cell as an index of {@link heatClasses}; `null` if the cell has nothing to show. */
export function heatClassOf(choice: Exclude<HeatChoice, 'none'>, cell: DemandCell): number | null {
  const [, requests, waiting, available] = cell;
  if (choice === 'demand') return classOfCount(Math.max(requests, waiting));
  if (choice === 'supply') return classOfCount(available);
  if (isUnserved(cell)) return 0;
  const wanted = Math.max(requests, waiting);
  if (wanted > available) return 1;
  if (wanted === available) return 2;
  return wanted > 0 ? 3 : 4;
}

/** Whether riders wait in a cell, and no vehicle is free in it or in the cells around it. */
export function isUnserved([, , waiting, , nearby]: DemandCell): boolean {
  return waiting > 0 && nearby === 0;
}

/** The cells with the most riders who wait and have no free vehicle near, then those with the most riders per free vehicle. */
export function mostWanted(cells: readonly DemandCell[], count: number): DemandCell[] {
  return cells
    .filter(([, , waiting]) => waiting > 0)
    .toSorted((one, other) => {
      return Number(isUnserved(other)) - Number(isUnserved(one)) || other[2] - one[2] || one[4] - other[4];
    })
    .slice(0, count);
}

function classOfCount(count: number): number | null {
  const at = steps.findLastIndex((step) => count >= step);
  return at === -1 ? null : at;
}
