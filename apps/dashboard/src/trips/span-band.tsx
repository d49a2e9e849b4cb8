import { t, textOf } from '../locale/text.js';
import type { VehicleState } from '@hailstream/events';
import { marks, riderMark } from '../marks/marks.js';
import { isOnMap, toDrawnState } from '../city-state/drawn-state.js';
import type { Theme } from '../theme/theme.js';

/** A part of a band: what lasted from one time to another. */
export interface BandPart {
  readonly from: number;
  readonly to: number;
  readonly color: string;
  /** Shown by the pointer. */
  readonly words: string;
  readonly pattern?: 'hatched';
}

/** Parts of a time in their proportions. `onPick` is called with the time that was clicked. */
export function SpanBand(props: {
  label: string;
  from: number;
  to: number;
  parts: readonly BandPart[];
  onPick: (at: number) => void;
}) {
  const { label, from, to, parts, onPick } = props;
  const share = (at: number): number =>
    (100 * (Math.min(to, Math.max(from, at)) - from)) / Math.max(1, to - from);
  return (
    <div
      className="band"
      role="img"
      aria-label={label}
      onClick={({ clientX, currentTarget }) => {
        const { left, width } = currentTarget.getBoundingClientRect();
        onPick(Math.round(from + ((clientX - left) / width) * (to - from)));
      }}
    >
      {parts.map((part) => (
        <span
          key={`${part.from} ${part.words}`}
          className="band-part"
          data-pattern={part.pattern}
          title={part.words}
          style={{
            left: `${share(part.from)}%`,
            width: `max(2px, ${share(part.to) - share(part.from)}%)`,
            backgroundColor: part.color,
          }}
        />
      ))}
    </div>
  );
}

/** The colour of a vehicle's state, or of the stage of a trip in which the rider waits. */
export function colorOfState(state: VehicleState | 'requested' | null, theme: Theme): string {
  if (state === 'requested') return riderMark.color;
  const drawn = toDrawnState(state);
  return isOnMap(drawn) ? marks[drawn].color[theme] : 'transparent';
}

export function labelOfState(state: VehicleState | 'requested' | null): string {
  return state === 'requested' ? t('rider.waiting') : textOf(`state.${toDrawnState(state)}`);
}
