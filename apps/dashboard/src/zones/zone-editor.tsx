import { useEffect, useId, useState } from 'react';
import { useDashboard } from '../dashboard.js';
import { plural, t } from '../locale/text.js';
import { useStore } from '../store.js';
import { featureOf, formatCorners, parseCorners } from '../alert-state/zone-form.js';

const FEWEST_CORNERS = 3;

/** Draws a zone: its corners are clicked on the map, or typed. */
export function ZoneEditor() {
  const { alerts } = useDashboard();
  const isDrawing = useStore(alerts.draft) !== null;
  useEffect(() => () => alerts.draft.set(null), [alerts]);
  if (isDrawing) return <ZoneForm />;
  return (
    <p className="zones-draw">
      <button type="button" className="alert-button" onClick={() => alerts.draft.set([])}>
        {t('zones.draw')}
      </button>
    </p>
  );
}

function ZoneForm() {
  const { alerts, connection, view } = useDashboard();
  const corners = useStore(alerts.draft) ?? [];
  const [name, setName] = useState('');
  const [hasProblem, setHasProblem] = useState(false);
  const [state, setState] = useState<'editing' | 'saving' | { failure: string }>('editing');
  const nameId = useId();

  useEffect(() => {
    if (view.page.get() !== 'map') view.page.set('map');
  }, [view]);
  const save = async (): Promise<void> => {
    setState('saving');
    const answer = await connection.change('POST', '/zones', featureOf(name.trim(), corners));
    if (answer.kind === 'ok') {
      alerts.reloadZones();
      alerts.draft.set(null);
    } else setState({ failure: answer.reason });
  };
  const canSave = name.trim() !== '' && corners.length >= FEWEST_CORNERS && !hasProblem && state !== 'saving';
  return (
    <form
      className="zone-form"
      aria-label={t('zones.new')}
      onSubmit={(event) => {
        event.preventDefault();
        if (canSave) void save();
      }}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        event.preventDefault();
        alerts.draft.set(null);
      }}
    >
      <label htmlFor={nameId}>{t('zones.name')}</label>
      <input
        id={nameId}
        autoFocus
        maxLength={100}
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <CornersField onProblem={setHasProblem} />
      {typeof state === 'object' && (
        <p className="alert-failure" role="alert">
          {t('zones.notSaved', { reason: state.failure })}
        </p>
      )}
      <div className="alert-status">
        <button type="submit" className="alert-button" disabled={!canSave}>
          {t(state === 'saving' ? 'zones.saving' : 'zones.save')}
        </button>
        <button type="button" className="link-button" onClick={() => alerts.draft.set(corners.slice(0, -1))}>
          {t('zones.removeCorner')}
        </button>
        <button type="button" className="link-button" onClick={() => alerts.draft.set(null)}>
          {t('zones.cancel')}
        </button>
      </div>
    </form>
  );
}

/** The corners as text: those that were clicked, or what is typed. */
function CornersField({ onProblem }: { onProblem: (hasProblem: boolean) => void }) {
  const { alerts } = useDashboard();
  const corners = useStore(alerts.draft) ?? [];
  // What is typed and may not be a list of corners yet.
  const [typed, setTyped] = useState<string | null>(null);
  const problem = typed === null ? null : problemOf(typed);
  const [cornersId, hintId] = [useId(), useId()];
  const type = (text: string): void => {
    const parsed = parseCorners(text);
    setTyped(text);
    onProblem('problem' in parsed);
    if ('corners' in parsed) alerts.draft.set(parsed.corners);
  };
  return (
    <>
      <label htmlFor={cornersId}>{t('zones.corners')}</label>
      <textarea
        id={cornersId}
        rows={5}
        spellCheck={false}
        aria-describedby={hintId}
        aria-invalid={problem !== null}
        value={problem === null ? (typed ?? formatCorners(corners)) : typed!}
        onFocus={() => setTyped(formatCorners(corners))}
        onBlur={() => problem === null && setTyped(null)}
        onChange={(event) => type(event.target.value)}
      />
      <p id={hintId} className="zone-hint" role="status">
        {problem ?? plural('zones.cornersHint', corners.length)}
      </p>
    </>
  );
}

function problemOf(text: string): string | null {
  const parsed = parseCorners(text);
  return 'problem' in parsed ? parsed.problem : null;
}
