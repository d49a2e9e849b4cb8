import { useEffect } from 'react';
import { useDashboard } from '../dashboard.js';
import { useStore } from '../store.js';

/** Sets data attributes of the document. */
export function useDocumentData({ isLive }: { isLive: boolean }): void {
  const { kind } = useStore(useDashboard().connection.state);
  useEffect(() => {
    Object.assign(document.documentElement.dataset, { connection: kind, live: String(isLive) });
  }, [kind, isLive]);
}
