import type { HistoryRange } from '@hailstream/events/live';
import { type KeyboardEvent, type PointerEvent, useMemo, useState } from 'react';
import { formatMoment } from '../format.js';
import { activityPath, momentOfKey, secondAt, shareOf, ticksOf, type TimeWindow } from './time-window.js';
import { t } from '../locale/text.js';
import { locale } from '../locale/locale.js';
import { zoneOffsetMs } from '../locale/time-zone.js';

const BARS = 90;
const MAX_TICKS = 5;
const SECOND_MS = 1_000;
/** So close to the right end, the pointer is at the present. */
const END_PIXELS = 5;
const MINUTE_MS = 60_000;

interface TrackProps {
  readonly activity: HistoryRange['activity'];
  readonly window: TimeWindow;
  /** All moments that can be shown. */
  readonly available: TimeWindow;
  /** `null` is the present. */
  readonly at: number | null;
  readonly isBusy: boolean;
  /** Progress of the request; `null` if none is in flight. */
  readonly percent: number | null;
  /** Requests a moment; `null` is the present. */
  readonly onSeek: (at: number | null) => void;
}

/** Activity over time, and the moment that is shown, as a slider. */
export function Track({ activity, window, available, at, isBusy, percent, onSeek }: TrackProps) {
  const [hovered, setHovered] = useState<number | null>(null);
  const [isDragged, setIsDragged] = useState(false);
  const share = at === null ? 1 : shareOf(window, at);
  /** `null` is the present, at the right end. */
  const momentAt = (pointed: number) =>
    pointed === 1 && window.to >= available.to
      ? null
      : Math.min(available.to, Math.max(available.from, secondAt(window, pointed)));
  const pointed = hovered === null ? null : momentAt(hovered);

  const drag = (event: PointerEvent<HTMLElement>, isPressed: boolean) => {
    const next = pointedShare(event);
    const moment = momentAt(next);
    setHovered(next);
    // The past is left when the pointer is released, not while it passes the end.
    if (isPressed && moment !== null) onSeek(moment);
  };
  const release = (event: PointerEvent<HTMLElement>) => {
    if (isDragged && momentAt(pointedShare(event)) === null) onSeek(null);
    setIsDragged(false);
  };
  const press = (event: KeyboardEvent) => {
    const next = momentOfKey(event.key, { at, available });
    if (next === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    onSeek(next);
  };

  return (
    <div
      className="track"
      role="slider"
      tabIndex={0}
      aria-label={t('timeline.moment')}
      aria-valuemin={Math.floor(available.from / SECOND_MS)}
      aria-valuemax={Math.floor(available.to / SECOND_MS)}
      aria-valuenow={Math.floor((at ?? available.to) / SECOND_MS)}
      aria-valuetext={at === null ? t('timeline.nowLive') : formatMoment(at, Date.now())}
      aria-busy={isBusy}
      data-testid="track"
      data-from={window.from}
      data-to={window.to}
      onKeyDown={press}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        setIsDragged(true);
        drag(event, true);
      }}
      onPointerMove={(event) => drag(event, isDragged)}
      onPointerUp={release}
      onPointerCancel={() => setIsDragged(false)}
      onPointerLeave={() => setHovered(null)}
    >
      <Activity activity={activity} window={window} />
      <span className="track-past" style={{ width: `${share * 100}%` }} />
      <Ticks window={window} />
      {hovered !== null && (
        <span
          className="track-tip"
          style={{ left: `clamp(32px, ${hovered * 100}%, 100% - 32px)` }}
          aria-hidden="true"
        >
          {pointed === null ? t('timeline.now') : formatMoment(pointed, Date.now())}
        </span>
      )}
      <span className="track-thumb" style={{ left: `${share * 100}%` }} />
      {isBusy && <span className="track-progress" style={{ width: `${Math.max(4, percent ?? 0)}%` }} />}
    </div>
  );
}

function Activity({ activity, window }: Pick<TrackProps, 'activity' | 'window'>) {
  const { from, to } = window;
  const path = useMemo(() => activityPath(activity, { from, to }, BARS), [activity, from, to]);
  return (
    <svg className="track-activity" viewBox="0 0 1 1" preserveAspectRatio="none" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}

function Ticks({ window }: { window: TimeWindow }) {
  const { minute, shortDay } = locale.get();
  const offsetMs = zoneOffsetMs(window.to);
  return (
    <span className="track-ticks" aria-hidden="true">
      {ticksOf(window, { max: MAX_TICKS, offsetMs }).map((tick) => (
        <span key={tick} style={{ left: `${shareOf(window, tick) * 100}%` }}>
          {(tick + offsetMs) % (24 * 60 * MINUTE_MS) === 0 ? shortDay.format(tick) : minute.format(tick)}
        </span>
      ))}
    </span>
  );
}

function pointedShare({ clientX, currentTarget }: PointerEvent<HTMLElement>): number {
  const { left, width } = currentTarget.getBoundingClientRect();
  const pixels = clientX - left;
  return pixels >= width - END_PIXELS ? 1 : Math.max(0, pixels / width);
}
