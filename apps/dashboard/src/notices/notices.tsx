import './notices.css';
import type { ReactNode } from 'react';
import { useDashboard } from '../dashboard.js';
import { useStore } from '../store.js';

/** What has to be said over the map: why there is nothing to see, and what to do about it. */
export function Notices(props: { isSlow: boolean; showsTable: boolean; onShowTable: () => void }) {
  const { isSlow, showsTable, onShowTable } = props;
  const { city, connection } = useDashboard();
  const state = useStore(connection.state);
  const tick = useStore(city.tick);
  const refusal = useStore(connection.refusal);
  const map = useStore(city.map);
  const hasUnreadable = useStore(city.hasUnreadable);
  if (state.kind === 'signed-out') return <SignedOut hadToken={state.hadToken} />;
  if (tick !== null && state.kind === 'connected') {
    const { byState, silent } = tick.figures;
    if (silent + Object.values(byState).reduce((sum, count) => sum + count, 0) === 0) return <NoVehicles />;
  }
  if (map === 'interrupted' && !showsTable) {
    return (
      <Toast>
        The browser has interrupted the map; it is being restored.{' '}
        <button type="button" className="link-button" onClick={onShowTable} data-testid="show-table">
          Show the table
        </button>
      </Toast>
    );
  }
  if (refusal !== null) {
    return (
      <Toast>
        The service did not take this page’s {refusal.message}: {refusal.reason}.
      </Toast>
    );
  }
  if (hasUnreadable) {
    return (
      <Toast>Some records of the log cannot be read and are left out. The service’s log says which.</Toast>
    );
  }
  if (isSlow) return <Toast>This browser draws slowly: vehicles move a few times a second.</Toast>;
  return null;
}

function SignedOut({ hadToken }: { hadToken: boolean }) {
  return (
    <section className="notice" role="alert" data-testid="signed-out">
      <h2>{hadToken ? 'Your link is no longer good' : 'You are signed out'}</h2>
      <p>
        Open the sign-in link that <code>npm start</code> prints, or make a token and put it after{' '}
        <code>#token=</code> in this page’s address:
      </p>
      <pre>npm run token -- --scope read</pre>
      <p className="notice-small">The token is kept in this browser and is taken out of the address bar.</p>
    </section>
  );
}

function NoVehicles() {
  return (
    <section className="notice" role="status" data-testid="no-vehicles">
      <h2>No vehicles yet</h2>
      <p>They appear here as soon as the first one reports. For a simulated city, start with one:</p>
      <pre>npm start</pre>
      <p>Or send a recorded day through it:</p>
      <pre>npm run replay -- FILE --speed 10</pre>
    </section>
  );
}

function Toast({ children }: { children: ReactNode }) {
  return (
    <p className="toast" role="status">
      {children}
    </p>
  );
}
