import type { StateOnMap } from '../city-state/drawn-state.js';
import type { Theme } from '../theme/theme.js';
import { MARK_BOX, marks } from './marks.js';

/** The halo of the marks on the map. */
const CASING_WIDTH = 1.5;

/** A mark of the map, for legends and lists. Hidden from screen readers, which read the text next to it. */
export function MarkSwatch({ state, theme, size = 20 }: { state: StateOnMap; theme: Theme; size?: number }) {
  const { color, outlines } = marks[state];
  const half = MARK_BOX / 2;
  return (
    <svg
      className="swatch"
      width={size}
      height={size}
      viewBox={`${-half} ${-half} ${MARK_BOX} ${MARK_BOX}`}
      aria-hidden="true"
    >
      {outlines.map(({ path, lineWidth = 0 }) => (
        <path
          key={`casing ${path}`}
          className="swatch-casing"
          d={path}
          fill="none"
          strokeWidth={lineWidth + CASING_WIDTH}
          strokeLinejoin="round"
        />
      ))}
      {outlines.map(({ path, lineWidth }) => (
        <path
          key={path}
          d={path}
          fill={lineWidth === undefined ? color[theme] : 'none'}
          stroke={lineWidth === undefined ? 'none' : color[theme]}
          strokeWidth={lineWidth}
          strokeLinejoin="round"
        />
      ))}
    </svg>
  );
}
