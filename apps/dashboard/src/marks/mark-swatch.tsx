import type { StateOnMap } from '../city-state/drawn-state.js';
import type { Theme } from '../theme/theme.js';
import { MARK_BOX, marks, type Outline, riderMark } from './marks.js';

/** The halo of the marks on the map. */
const CASING_WIDTH = 1.5;

/** A mark of the map, for legends and lists. Hidden from screen readers, which read the text next to it. */
export function MarkSwatch({ state, theme, size = 20 }: { state: StateOnMap; theme: Theme; size?: number }) {
  const { color, outlines } = marks[state];
  return <Swatch color={color[theme]} outlines={outlines} size={size} />;
}

/** The mark of a waiting rider. */
export function RiderSwatch({ size = 20 }: { size?: number }) {
  return <Swatch color={riderMark.color} outlines={riderMark.outlines} size={size} />;
}

function Swatch({ color, outlines, size }: { color: string; outlines: readonly Outline[]; size: number }) {
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
          fill={lineWidth === undefined ? color : 'none'}
          stroke={lineWidth === undefined ? 'none' : color}
          strokeWidth={lineWidth}
          strokeLinejoin="round"
        />
      ))}
    </svg>
  );
}
