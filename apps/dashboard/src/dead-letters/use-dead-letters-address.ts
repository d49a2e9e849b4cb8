import { useEffect, useState } from 'react';

const HASH = '#dead-letters';

/** Whether the address is that of the dead letters, and a function that changes it. */
export function useDeadLettersAddress(): [boolean, (shows: boolean) => void] {
  const [shows, setShows] = useState(isShown);
  useEffect(() => {
    const read = () => setShows(isShown());
    addEventListener('hashchange', read);
    return () => removeEventListener('hashchange', read);
  }, []);
  return [shows, change];
}

function isShown(): boolean {
  return location.hash === HASH;
}

/** An entry in the history of the browser, so that its back button returns to the map. */
function change(shows: boolean): void {
  location.hash = shows ? HASH : '';
}
