import '../controls/page-button.css';
import { t } from '../locale/text.js';
import type { VehicleTimeline } from '@hailstream/events/live';
import { useState } from 'react';
import { useDashboard } from '../dashboard.js';
import { formatClock, formatDuration, formatMoment, shortId } from '../format.js';
import { zoneOffsetMs } from '../locale/time-zone.js';
import { useStore } from '../store.js';
import { toLocal } from './day.js';
import { useNavigation } from '../navigation.js';
import { type BandPart, colorOfState, labelOfState, SpanBand } from './span-band.js';
import { stageWords } from './words.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Bands of the states, trips, gaps and stillness of a vehicle. A click on one, or the slider below, chooses a moment. */
export function DayBands({ timeline }: { timeline: VehicleTimeline }) {
  const { theme } = useDashboard();
  const painted = useStore(theme.theme);
  const { showMoment } = useNavigation();
  const { from, asOf } = timeline;
  const to = Math.max(timeline.to, from + 1);
  const vehicle = { deviceId: timeline.device_id, providerId: timeline.provider_id };
  const between = (start: number, end: number): string =>
    t('day.span', { from: formatClock(start), to: formatClock(end), duration: formatDuration(end - start) });
  const bands: readonly { readonly name: string; readonly parts: readonly BandPart[] }[] = [
    {
      name: t('day.states'),
      parts: timeline.states.map(({ vehicle_state: state, ...span }) => ({
        ...span,
        color: colorOfState(state, painted),
        words: t('day.stateSpan', { state: labelOfState(state), span: between(span.from, span.to) }),
        ...(state === null && { pattern: 'hatched' as const }),
      })),
    },
    {
      name: t('trips.title'),
      parts: timeline.trips.map((trip) => ({
        from: trip.began_at,
        to: trip.ended_at ?? asOf,
        color: 'var(--accent)',
        words: t('day.tripSpan', {
          trip: shortId(trip.trip_id),
          stage: stageWords(trip),
          span: between(trip.began_at, trip.ended_at ?? asOf),
        }),
      })),
    },
    {
      name: t('day.noContact'),
      parts: timeline.gaps.map((gap) => ({ ...gap, color: 'var(--bad)', words: between(gap.from, gap.to) })),
    },
    {
      name: t('day.stillBand'),
      parts: timeline.still.map((span) => ({
        from: span.from,
        to: span.to,
        color: 'var(--text-quiet)',
        words: between(span.from, span.to),
      })),
    },
  ];
  return (
    <section className="page-section day-bands" aria-label={t('day.bands')} data-testid="day-bands">
      {bands.map(({ name, parts }) => (
        <div key={name} className="day-band">
          <h3>{name}</h3>
          <SpanBand
            label={t('day.band', { name, count: parts.length === 0 ? t('day.noParts') : parts.length })}
            from={from}
            to={to}
            parts={parts}
            onPick={(at) => showMoment(at, vehicle)}
          />
        </div>
      ))}
      <Hours from={from} to={to} />
      <MomentChoice key={from} from={from} to={to} now={asOf} onShow={(at) => showMoment(at, vehicle)} />
    </section>
  );
}

/** Marks of hours in the page's time zone. */
function Hours({ from, to }: { from: number; to: number }) {
  const stepMs = to - from > 12 * HOUR_MS ? 3 * HOUR_MS : HOUR_MS;
  const offset = zoneOffsetMs(from);
  const first = Math.ceil((from + offset) / stepMs) * stepMs - offset;
  const count = Math.max(0, Math.floor((to - first) / stepMs) + 1);
  return (
    <p className="day-hours" aria-hidden="true">
      {Array.from({ length: count }, (_, index) => first + index * stepMs).map((at) => (
        <span key={at} style={{ left: `clamp(16px, ${(100 * (at - from)) / (to - from)}%, 100% - 16px)` }}>
          {toLocal(at).slice(11)}
        </span>
      ))}
    </p>
  );
}

function MomentChoice(props: { from: number; to: number; now: number; onShow: (at: number) => void }) {
  const { from, to, now, onShow } = props;
  const [at, setAt] = useState(from);
  return (
    <div className="day-moment">
      <input
        type="range"
        aria-label={t('day.moment')}
        aria-valuetext={formatMoment(at, now)}
        min={from}
        max={to}
        step={MINUTE_MS}
        value={at}
        onChange={({ target }) => setAt(Number(target.value))}
        onKeyDown={(event) => {
          if (event.key === 'Enter') onShow(at);
        }}
      />
      <button type="button" className="page-button" onClick={() => onShow(at)}>
        {t('day.showMoment', { time: formatMoment(at, now) })}
      </button>
    </div>
  );
}
