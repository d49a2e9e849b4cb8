import './theme/tokens.css';
import './theme/base.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.js';
import { CityState } from './city-state/city-state.js';
import { Connection } from './connection/connection.js';
import { closeSession, openSession, tokenOfHash } from './connection/session.js';
import { DashboardContext } from './dashboard.js';
import { ThemeSetting } from './theme/theme.js';

const { token } = openSession({ location, history, storage: localStorage });
const city = new CityState();
const connection = new Connection(token, city);
connection.open();

// A sign-in link opened in a tab that already shows the page changes only the fragment.
addEventListener('hashchange', () => {
  if (tokenOfHash(location.hash) !== null) location.reload();
});

const dashboard = {
  city,
  connection,
  theme: new ThemeSetting(),
  signOut: token === null ? null : signOut,
};

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <DashboardContext value={dashboard}>
      <App />
    </DashboardContext>
  </StrictMode>,
);

function signOut(): void {
  closeSession(localStorage);
  location.reload();
}
