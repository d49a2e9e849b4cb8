import { useEffect, useRef, useState } from 'react';
import { useDashboard } from './dashboard.js';
import { useStore } from './store.js';

/** The moment in requests changes at most once in this time while the past is played. */
const SAMPLED_EVERY_MS = 1_000;

/** Query parameters that select the moment of the past that is shown, to be appended to others; empty for the present. */
export function useMomentQuery(): string {
  const { history } = useDashboard();
  const at = useSampled(useStore(history.at));
  const by = useStore(history.by);
  return at === null ? '' : `&at=${new Date(at).toISOString()}&by=${by}`;
}

/** A moment that changes at most once per {@link SAMPLED_EVERY_MS} while the past is played. */
function useSampled(at: number | null): number | null {
  const [sampled, setSampled] = useState(at);
  const newest = useRef(at);
  useEffect(() => {
    newest.current = at;
  });
  const isPast = at !== null;
  useEffect(() => {
    setSampled(newest.current);
    const timer = setInterval(() => setSampled(newest.current), SAMPLED_EVERY_MS);
    return () => clearInterval(timer);
  }, [isPast]);
  return isPast ? sampled : null;
}
