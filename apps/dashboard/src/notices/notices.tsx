import './notices.css';
import type { PageCommands } from '@hailstream/events/live';
import { type ReactNode, useEffect, useState } from 'react';
import { useDashboard } from '../dashboard.js';
import { RichText } from '../locale/rich-text.js';
import { useStore } from '../store.js';

/** Messages over the map: why nothing is shown, and what to do about it. */
export function Notices(props: { isSlow: boolean; showsTable: boolean; onShowTable: () => void }) {
  const { isSlow, showsTable, onShowTable } = props;
  const { city, connection } = useDashboard();
  const contents = useStore(city.shown);
  const state = useStore(connection.state);
  const tick = useStore(contents.tick);
  const refusal = useStore(connection.refusal);
  const map = useStore(city.map);
  const hasUnreadable = useStore(city.hasUnreadable);
  if (state.kind === 'signed-out') return <SignedOut hadToken={state.hadToken} />;
  if (tick !== null && state.kind === 'connected') {
    const { byState, silent } = tick.figures;
    if (silent + Object.values(byState).reduce((sum, count) => sum + count, 0) === 0) {
      return contents === city.live ? <NoVehicles /> : <NoVehiclesThen />;
    }
  }
  if (map === 'interrupted' && !showsTable) {
    return (
      <Toast>
        The browser has stopped drawing the map. Restoring it.{' '}
        <button type="button" className="link-button" onClick={onShowTable} data-testid="show-table">
          Show the table
        </button>
      </Toast>
    );
  }
  if (refusal !== null) {
    return (
      <Toast>
        The service rejected the message “{refusal.message}” from this page: {refusal.reason}.
      </Toast>
    );
  }
  if (hasUnreadable) {
    return (
      <Toast>
        Some records in the log cannot be read and are not shown. See the log of the realtime service.
      </Toast>
    );
  }
  if (isSlow) return <Toast>This browser draws slowly. Positions update a few times a second.</Toast>;
  return null;
}

function SignedOut({ hadToken }: { hadToken: boolean }) {
  const commands = useCommands();
  return (
    <section className="notice" role="alert" data-testid="signed-out">
      <h2>{hadToken ? 'Your sign-in link is not valid' : 'Sign in'}</h2>
      {commands?.signIn ? (
        <>
          <p>Open the link that this command prints:</p>
          <pre>{commands.signIn}</pre>
        </>
      ) : (
        <p>
          Append a token with the scope “read” to this page’s address as <code>#token=</code>.
        </p>
      )}
      <p className="notice-small">The token is stored in this browser and removed from the address bar.</p>
    </section>
  );
}

function NoVehicles() {
  const commands = useCommands();
  return (
    <section className="notice" role="status" data-testid="no-vehicles">
      <h2>No vehicles yet</h2>
      <p>Vehicles appear here when their first event arrives.</p>
      {commands?.replay && (
        <>
          <p>To replay recorded events, run:</p>
          <pre>{commands.replay}</pre>
          <p>
            <RichText of="notice.simulate" values={{ option: <code>--no-sim</code> }} />
          </p>
        </>
      )}
    </section>
  );
}

/** The commands that the service is configured to show; `null` until they are known. */
function useCommands(): PageCommands | null {
  const { connection } = useDashboard();
  const [commands, setCommands] = useState<PageCommands | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    void connection.request<PageCommands>('/commands', stop.signal).then((answer) => {
      if (answer.kind === 'ok') setCommands(answer.body);
    });
    return () => stop.abort();
  }, [connection]);
  return commands;
}

function NoVehiclesThen() {
  return (
    <section className="notice" role="status" data-testid="no-vehicles">
      <h2>No vehicles at this time</h2>
      <p>No vehicle had sent anything by then. Choose a later moment on the timeline.</p>
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
