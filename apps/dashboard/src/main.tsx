import './theme/tokens.css';
import './theme/base.css';
import type { HistoryRange } from '@hailstream/events/live';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { AddressBar } from './address/address-bar.js';
import { AlertsState } from './alert-state/alerts-state.js';
import { App } from './app.js';
import { CityState } from './city-state/city-state.js';
import { Connection } from './connection/connection.js';
import { PageSession } from './connection/page-session.js';
import { frameToken, takeProviderSignIn, takeToken, tokenOfHash } from './connection/session.js';
import { DashboardContext } from './dashboard.js';
import { EmbeddedCity } from './embed/embedded-city.js';
import { HistorySession } from './history/history-session.js';
import { HistoryOffer } from './history/history-offer.js';
import { Settings } from './settings/settings.js';
import { ThemeSetting } from './theme/theme.js';
import { ViewState } from './view-state.js';

type StorageKind = 'localStorage' | 'sessionStorage';

/** As many as the service returns. */
const ACTIVITY_INTERVALS = 1_000;

const city = new CityState();
const history = new HistorySession(city);
const alerts = new AlertsState();
const view = new ViewState();
const theme = new ThemeSetting();
const settings = new Settings({ storage: storageOf('localStorage'), languages: navigator.languages });
const address = new AddressBar(
  {
    view: view.page,
    map: view.camera,
    states: city.hidden,
    vehicle: city.selected,
    at: history.at,
    by: history.by,
    trip: city.trip,
    provider: city.provider,
    battery: city.battery,
    contact: city.contact,
    labels: city.labels,
    follow: view.follow,
    heat: view.heat,
    minutes: view.heatMinutes,
    kpis: view.kpis,
    list: view.list,
    over: view.speedLimit,
    within: view.speedWindow,
    still: view.stillMinutes,
    stillin: view.stillState,
    colors: city.colors,
    riders: city.riders,
    alerts: alerts.page,
    zones: alerts.zonesOnMap,
    q: view.search,
    sort: view.tableOrder,
    trip_text: view.tripText,
    stage: view.stage,
    from: view.from,
    to: view.to,
    page: view.tripsPage,
    day: view.day,
    reason: view.reason,
    redriven: view.includesRedriven,
    letter: view.letter,
    feed: view.feed,
    report: view.report,
    embed: view.isEmbedded,
    theme: theme.choice,
    lang: settings.language.inAddress,
    units: settings.units.inAddress,
    tz: settings.timeZone.inAddress,
  },
  { location, history: window.history, onPopState: (listener) => addEventListener('popstate', listener) },
);
const ended = takeProviderSignIn({ location, history: window.history });
const token = takeToken({ location, history: window.history });
// The token in the address of a frame must not replace the session of the user.
const isFrame = view.isEmbedded.get();
const ofFrame = isFrame ? frameToken(token, storageOf('sessionStorage')) : null;
const session = new PageSession(isFrame ? null : token, { channel: openChannel(), reload, leave }, ended);
// Another vehicle is not followed.
let followed = city.selected.get()?.deviceId;
city.selected.subscribe(() => {
  const deviceId = city.selected.get()?.deviceId;
  if (deviceId !== followed) view.follow.set(false);
  followed = deviceId;
});
// If the address selects a vehicle without a map position, the map moves to that vehicle.
if (view.camera.get() === null && view.page.get() !== 'trip')
  city.toReveal.set(city.selected.get() ?? city.trip.get());
const connection = new Connection({ frameToken: ofFrame, session }, city);
history.start(connection.socket);
connection.socket.on('alerts', (counts) => alerts.counts.set(counts));
const offer = new HistoryOffer(() =>
  connection.request<HistoryRange>(`/history?by=${history.by.get()}&intervals=${ACTIVITY_INTERVALS}`),
);
offer.offered.subscribe(() => history.offer(offer.offered.get().kind === 'range'));
void session.settled.then(() => connection.open());
void offer.load();
session.onOtherTab((message) => {
  const isSignedOut = connection.state.get().kind === 'signed-out';
  if (message === 'switched' || (message === 'signed-in' && isSignedOut)) reload();
  else if (message === 'signed-out') void connection.checkRefusal();
});

// A sign-in link opened in a tab that already shows the page changes only the fragment.
addEventListener('hashchange', () => {
  if (tokenOfHash(location.hash) !== null) location.reload();
});

const dashboard = {
  alerts,
  city,
  connection,
  view,
  history,
  offer,
  address,
  theme,
  settings,
  session,
};

// Without its language, a page would be shown twice.
await settings.apply().catch(reportError);

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <DashboardContext value={dashboard}>
      {view.isEmbedded.get() ? <EmbeddedCity /> : <App />}
    </DashboardContext>
  </StrictMode>,
);

function reload(): void {
  location.reload();
}

function leave(url: string): void {
  location.assign(url);
}

/** Between the tabs of this browser. */
function openChannel(): BroadcastChannel | null {
  return 'BroadcastChannel' in window ? new BroadcastChannel('hailstream.session') : null;
}

/** Browsers may refuse access to a storage, for example to pages in frames. */
function storageOf(kind: StorageKind): Storage | null {
  try {
    return window[kind];
  } catch {
    return null;
  }
}
