import type { Figure } from '../../harness/report.js';
import type { DistanceCounts } from './compare-trips.js';

/** Figures of how rebuilt distances differ from those that were driven. */
export function distanceFigures(name: string, counts: DistanceCounts, completed: number): Figure[] {
  const { known, within, withinShare, withinResolution, excess, worst } = counts;
  const isAlongPositions = name === 'distance';
  return [
    figure(`${name}: not known`, completed - known, 'trips', { atMost: 0 }),
    figure(`${name}: off by more than 1 % and 5 m`, known - within, 'trips', { atMost: 0 }),
    figure(`${name}: off by more than 1 %`, known - withinShare, 'trips'),
    ...(isAlongPositions
      ? [
          figure(
            `${name}: off by more than 1 % and the resolution of the speeds`,
            known - withinResolution,
            'trips',
            { atMost: 0 },
          ),
        ]
      : []),
    figure(`${name}: largest difference of more than 1 % and 5 m`, worst * 100, '%'),
    figure(`${name}: all together, more than driven`, excess * 100, '%'),
  ];
}

/** A figure, without a target by default. */
export function figure(name: string, value: number, unit: string, target: Figure['target'] = null): Figure {
  return { kind: 'figure', name, value, unit, target };
}
