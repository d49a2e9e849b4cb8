import type { StateOnMap } from '../city-state/drawn-state.js';
import type { Theme } from '../theme/theme.js';

/** Side of the square that a mark's shape is drawn in, its centre at 0, 0. */
export const MARK_BOX = 32;

/** An outline in SVG path syntax, filled or stroked with the mark's colour. */
export interface Outline {
  readonly path: string;
  /** Width of the line; if omitted, the outline is filled. */
  readonly lineWidth?: number;
}

interface Mark {
  readonly color: Readonly<Record<Theme, string>>;
  /** Pointing north. */
  readonly outlines: readonly Outline[];
  /** Replaces `outlines` if the heading is unknown; if omitted, the shape has no direction. */
  readonly outlinesWithoutHeading?: readonly Outline[];
}

/** Colour and shape of each state. The colours are Okabe and Ito's, which are distinguishable with any colour vision. */
export const marks: Readonly<Record<StateOnMap, Mark>> = {
  on_trip: {
    color: { light: '#0072b2', dark: '#56b4e9' },
    outlines: [{ path: arrow(1.22) }],
    outlinesWithoutHeading: [{ path: circle(8) }],
  },
  reserved: {
    color: { light: '#e69f00', dark: '#e69f00' },
    outlines: [{ path: arrow(0.78) }, { path: circle(11), lineWidth: 2 }],
    outlinesWithoutHeading: [{ path: circle(5.5) }, { path: circle(11), lineWidth: 2 }],
  },
  available: {
    color: { light: '#009e73', dark: '#009e73' },
    outlines: [{ path: arrow(1) }],
    outlinesWithoutHeading: [{ path: circle(6) }],
  },
  stopped: {
    color: { light: '#cc79a7', dark: '#cc79a7' },
    outlines: [
      {
        path: 'M-5 -6.5H5A1.5 1.5 0 0 1 6.5 -5V5A1.5 1.5 0 0 1 5 6.5H-5A1.5 1.5 0 0 1 -6.5 5V-5A1.5 1.5 0 0 1 -5 -6.5Z',
      },
    ],
  },
  non_contactable: {
    color: { light: '#d55e00', dark: '#d55e00' },
    outlines: [{ path: circle(5.5), lineWidth: 2.75 }],
  },
  unknown: {
    color: { light: '#8a8a8a', dark: '#8a8a8a' },
    outlines: [{ path: 'M0 -6L6 0L0 6L-6 0Z', lineWidth: 2 }],
  },
  non_operational: {
    color: { light: '#8a8a8a', dark: '#8a8a8a' },
    outlines: [{ path: circle(3.75) }],
  },
};

/** Where a rider waits: head and shoulders, in Okabe and Ito's yellow, which vehicles do not have. */
export const riderMark = {
  color: '#f0e442',
  outlines: [{ path: 'M0 -9A4 4 0 1 1 0 -1A4 4 0 1 1 0 -9Z' }, { path: 'M-7 8.5C-7 -1 7 -1 7 8.5Z' }],
} as const satisfies { color: string; outlines: readonly Outline[] };

/** Colours of providers, in the order of their ids; further providers share {@link OTHER_PROVIDER_COLOR}. */
export const providerColors = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#d55e00', '#56b4e9'] as const;
export const OTHER_PROVIDER_COLOR = '#8a8a8a';

function arrow(scale: number): string {
  const at = (x: number, y: number) => `${x * scale} ${y * scale}`;
  return `M${at(0, -10)}L${at(7.5, 8.5)}L${at(0, 5)}L${at(-7.5, 8.5)}Z`;
}

function circle(radius: number): string {
  return `M0 ${-radius}A${radius} ${radius} 0 1 1 0 ${radius}A${radius} ${radius} 0 1 1 0 ${-radius}Z`;
}

/** Whether the mark of a state rotates with the heading; a rotated square would look like another shape. */
export function turnsWithHeading(state: StateOnMap): boolean {
  return marks[state].outlinesWithoutHeading !== undefined;
}
