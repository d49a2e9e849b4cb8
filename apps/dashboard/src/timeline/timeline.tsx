import './timeline.css';
import type { HistoryOrder, HistoryRange } from '@hailstream/events/live';
import { useEffect, useState } from 'react';
import { useDashboard } from '../dashboard.js';
import { formatMoment } from '../format.js';
import { type HistoryState, speeds, type Speed } from '../history/history-session.js';
import { ClockIcon, FoldIcon, PauseIcon, PlayIcon } from '../icons.js';
import { useShortcuts } from '../shortcuts.js';
import { useDerived, useStore } from '../store.js';
import { failureWords } from './failure-words.js';
import { spans, windowOf, type TimeWindow } from './time-window.js';
import { Track } from './track.js';
import { plural, t } from '../locale/text.js';

/** A shorter request is not shown. */
const SHOWN_AFTER_MS = 150;

/** The right end moves once a second. */
const SECOND_MS = 1_000;

/** The timeline, if the service has history and the log has events. */
export function Timeline() {
  const { offer } = useDashboard();
  const offered = useStore(offer.offered);
  if (offered.kind !== 'range') return <Unoffered />;
  const { earliest, latest, activity, backfill } = offered.range;
  if (earliest === null || latest === null) return <Unoffered />;
  return <TimelineOf earliest={earliest} latest={latest} activity={activity} backfill={backfill} />;
}

/** A link to a moment may be opened on a service without history. */
function Unoffered() {
  const { history } = useDashboard();
  const state = useStore(history.state);
  if (state.kind !== 'failed') return null;
  return (
    <div className="timeline-unoffered">
      <Messages state={state} />
    </div>
  );
}

/** The moments that the log holds, with the present at the right end. */
function TimelineOf(props: {
  readonly earliest: number;
  readonly latest: number;
  readonly activity: HistoryRange['activity'];
  readonly backfill: HistoryRange['backfill'];
}) {
  const { city, history } = useDashboard();
  const contents = useStore(city.shown);
  const requestedAt = useStore(history.at);
  const state = useStore(history.state);
  const isPlaying = state.kind === 'playing';
  const shownAt = useDerived(contents.tick, (tick) => (isPlaying && tick !== null ? tick.asOf : null));
  const liveSecond = useDerived(city.live.tick, (tick) => tick && Math.floor(tick.asOf / SECOND_MS));
  const isSeeking = useAfter(SHOWN_AFTER_MS, state.kind === 'seeking');
  const [isOpen, setIsOpen] = useState(true);
  const [lengthMs, setLengthMs] = useState<number | null>(spans[1].lengthMs);
  const at = requestedAt !== null && isPlaying ? (shownAt ?? requestedAt) : requestedAt;
  const available = { from: props.earliest, to: Math.max((liveSecond ?? 0) * SECOND_MS, props.latest) };
  const window = useWindow({ available, lengthMs, at });
  const isPast = at !== null;
  useShortcuts({ live: () => history.at.set(null) });

  return (
    <section
      className="timeline"
      aria-label={t('timeline.label')}
      data-testid="timeline"
      data-open={isOpen}
      data-past={isPast}
    >
      <Messages state={state} />
      {!isOpen && <Folded isPast={isPast} onUnfold={() => setIsOpen(true)} />}
      {isOpen && (
        <div className="timeline-controls">
          <Playback isPast={isPast} />
          <MomentWords at={at} state={state} isSeeking={isSeeking} />
          {props.backfill !== null && <Backfill {...props.backfill} />}
          <OrderChoice isPast={isPast} />
          <SpanChoice lengthMs={lengthMs} onChoose={setLengthMs} />
          <LiveButton isPast={isPast} />
          <button
            type="button"
            className="timeline-button"
            aria-label={t('timeline.fold')}
            aria-expanded="true"
            title={t('timeline.fold')}
            onClick={() => setIsOpen(false)}
          >
            <FoldIcon />
          </button>
        </div>
      )}
      {isOpen && (
        <Track
          activity={props.activity}
          window={window}
          available={available}
          at={at}
          isBusy={isSeeking}
          percent={state.kind === 'seeking' ? state.percent : null}
          onSeek={(moment) => history.at.set(moment)}
        />
      )}
    </section>
  );
}

function Folded({ isPast, onUnfold }: { isPast: boolean; onUnfold: () => void }) {
  return (
    <div className="timeline-controls">
      <button
        type="button"
        className="timeline-unfold"
        aria-expanded="false"
        title={t('timeline.show')}
        onClick={onUnfold}
      >
        <ClockIcon />
        {t('timeline.label')}
      </button>
      {isPast && <LiveButton isPast />}
    </div>
  );
}

function SpanChoice(props: { lengthMs: number | null; onChoose: (lengthMs: number | null) => void }) {
  return (
    <select
      className="timeline-select timeline-span"
      aria-label={t('timeline.length')}
      value={String(props.lengthMs)}
      onChange={({ target }) => props.onChoose(target.value === 'null' ? null : Number(target.value))}
    >
      {spans.map(({ text, lengthMs }) => (
        <option key={text} value={String(lengthMs)}>
          {t(text)}
        </option>
      ))}
    </select>
  );
}

/** Play and pause, and how fast. */
function Playback({ isPast }: { isPast: boolean }) {
  const { history } = useDashboard();
  const isPlaying = useStore(history.isPlaying);
  const speed = useStore(history.speed);
  const state = useStore(history.state);
  const actual = state.kind === 'playing' ? state.speed : speed;
  const label = t(isPlaying ? 'timeline.pause' : 'timeline.play');
  return (
    <>
      <button
        type="button"
        className="timeline-button"
        aria-label={label}
        title={isPast ? label : t('timeline.choose')}
        disabled={!isPast}
        onClick={() => (isPlaying ? history.pause() : history.play())}
      >
        {isPlaying ? <PauseIcon /> : <PlayIcon />}
      </button>
      <select
        className="timeline-select"
        aria-label={t('timeline.speed')}
        title={actual < speed ? t('timeline.behind', { speed: actual }) : t('timeline.speed')}
        data-behind={actual < speed}
        value={speed}
        onChange={({ target }) => history.setSpeed(Number(target.value) as Speed)}
      >
        {speeds.map((each) => (
          <option key={each} value={each}>
            {each} ×
          </option>
        ))}
      </select>
    </>
  );
}

/** The moment of the thumb. */
function MomentWords(props: { at: number | null; state: HistoryState; isSeeking: boolean }) {
  const { at, state, isSeeking } = props;
  const percent = state.kind === 'seeking' && state.percent > 0 ? ` ${state.percent} %` : '';
  return (
    <p className="timeline-moment" data-testid="timeline-moment">
      {at === null ? t('timeline.now') : formatMoment(at, Date.now())}
      {isSeeking && (
        <span className="timeline-reading">
          {' '}
          {t('timeline.loading')}
          {percent}
        </span>
      )}
    </p>
  );
}

/** How much of the earlier history is read. */
function Backfill({ percent, since }: { percent: number; since: number }) {
  return (
    <p
      className="timeline-backfill"
      data-testid="timeline-backfill"
      title={t('timeline.backfillHelp', { time: formatMoment(since, Date.now()) })}
    >
      {t('timeline.backfill', { percent })}
    </p>
  );
}

function OrderChoice({ isPast }: { isPast: boolean }) {
  const { history } = useDashboard();
  const by = useStore(history.by);
  return (
    <select
      className="timeline-select timeline-order"
      aria-label={t('timeline.order')}
      data-shown={isPast}
      value={by}
      title={t('timeline.orderHelp')}
      onChange={({ target }) => history.by.set(target.value as HistoryOrder)}
    >
      <option value="event">{t('timeline.happened')}</option>
      <option value="received">{t('timeline.showed')}</option>
    </select>
  );
}

function LiveButton({ isPast }: { isPast: boolean }) {
  const { history } = useDashboard();
  return (
    <button
      type="button"
      className="timeline-live"
      title={t('timeline.present')}
      disabled={!isPast}
      onClick={() => history.at.set(null)}
    >
      {t('timeline.live')}
    </button>
  );
}

/** Why the moment is not shown, or not the requested one. */
function Messages({ state }: { state: HistoryState }) {
  const { connection, history } = useDashboard();
  const isLost = useStore(connection.state).kind === 'reconnecting';
  const isPast = useStore(history.at) !== null;
  const unreadable = useStore(history.unreadableRecords);
  if (isPast && isLost) {
    return (
      <p className="timeline-message" role="status">
        {t('timeline.unreachable')}
      </p>
    );
  }
  if (state.kind === 'paused' && state.isMoved) {
    return (
      <p className="timeline-message" role="status">
        {t('timeline.nearest')}
      </p>
    );
  }
  if ((state.kind === 'paused' || state.kind === 'playing') && unreadable > 0) {
    return (
      <p className="timeline-message" role="status" data-testid="timeline-unreadable">
        {plural('unreadable.records', unreadable)}
      </p>
    );
  }
  if (state.kind !== 'failed') return null;
  const { text, canRetry } = failureWords(state.failure);
  return (
    <p className="timeline-message" role="alert" data-testid="timeline-failure">
      {t('timeline.cannot', { time: formatMoment(state.at, Date.now()) })} {text}{' '}
      {canRetry && (
        <button type="button" className="link-button" onClick={() => history.retry()}>
          {t('common.tryAgain')}
        </button>
      )}{' '}
      {!isPast && (
        <button type="button" className="link-button" onClick={() => history.dismissFailure()}>
          {t('common.dismiss')}
        </button>
      )}
    </p>
  );
}

/** The window of the track. It moves only if the moment leaves it, or with the present. */
function useWindow(given: { available: TimeWindow; lengthMs: number | null; at: number | null }): TimeWindow {
  const [previous, setPrevious] = useState<TimeWindow | null>(null);
  const window = windowOf({ ...given, previous });
  useEffect(() => setPrevious(window), [window.from, window.to]);
  return window;
}

/** Whether the condition has been met for this long. */
function useAfter(ms: number, isMet: boolean): boolean {
  const [isLong, setIsLong] = useState(false);
  useEffect(() => {
    if (!isMet) return;
    const timer = setTimeout(() => setIsLong(true), ms);
    return () => {
      clearTimeout(timer);
      setIsLong(false);
    };
  }, [ms, isMet]);
  return isLong;
}
