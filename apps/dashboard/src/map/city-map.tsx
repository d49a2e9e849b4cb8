import './map.css';
import type { City, TrailPoint, Viewport } from '@hailstream/events/live';
import type { StyleSpecification } from 'maplibre-gl';
import { useEffect, useRef, useState } from 'react';
import { formatCount } from '../format.js';
import { CrosshairIcon, FleetIcon, MinusIcon, PlusIcon } from '../icons.js';
import { keyOf, useShortcuts } from '../shortcuts.js';
import { useDashboard } from '../dashboard.js';
import { useStore } from '../store.js';
import { MapKeeper } from './map-keeper.js';
import { placeOf } from './place-of.js';
import { roomForChrome } from './room-for-chrome.js';
import { answerMarksProbe } from './marks-probe.js';
import { loadMapStyle, type StyleFailure } from '../map-style/map-style.js';
import type { MapView } from './map-view.js';
import { useFitFleet, useOutsideCount, useVehiclesElsewhere } from './use-fit-fleet.js';
import { t } from '../locale/text.js';

// The largest chunk of the page is loaded while the rest starts.
const mapModule = import('./map-view.js');

interface CityMapProps {
  /** If not, it stays behind the table and draws nothing. */
  readonly isShown: boolean;
  /** Whether the data is outdated. */
  readonly isOutdated: boolean;
  readonly onSlow: (isSlow: boolean) => void;
}

/** The map. It fills the window and leaves room for the elements above it. */
export function CityMap({ isShown, isOutdated, onSlow }: CityMapProps) {
  const { city: cityState, connection, theme, view: viewState } = useDashboard();
  const city = useStore(connection.city);
  const element = useRef<HTMLDivElement>(null);
  const view = useMapView(element, { city, onSlow });
  const painted = useStore(theme.theme);
  const state = useStore(connection.state);
  const toReveal = useStore(cityState.toReveal);
  const contents = useStore(cityState.shown);
  const detail = useStore(contents.detail);
  const tripDetail = useStore(cityState.tripDetail);
  const map = useStore(cityState.map);

  useEffect(() => view?.setTheme(painted), [view, painted]);
  // The card has been laid out, so its size is known.
  useEffect(() => {
    if (view === null || toReveal === null) return;
    const place = placeOf(toReveal, { contents, detail, trip: tripDetail });
    if (place === null) return;
    cityState.toReveal.set(null);
    view.reveal(place, roomForChrome());
  }, [view, toReveal, detail, tripDetail, contents, cityState]);
  const placeToReveal = useStore(cityState.placeToReveal);
  useEffect(() => {
    if (view === null || placeToReveal === null) return;
    cityState.placeToReveal.set(null);
    viewState.follow.set(false);
    view.reveal(placeToReveal, roomForChrome());
  }, [view, placeToReveal, cityState, viewState]);
  useEffect(() => view?.scene.setPaused(!isShown), [view, isShown]);
  useFitRoute(view);
  useFitArea(view, { isShown });
  const { fitFleet, failure } = useFitFleet(({ bbox }) => {
    if (bbox !== null) view?.fit(bbox, roomForChrome());
  });
  const fitCity = () => view?.fitCity(roomForChrome());
  useVehiclesElsewhere(fitFleet);
  useShortcuts({ fitFleet: isShown ? fitFleet : undefined, fitCity: isShown ? fitCity : undefined });

  return (
    <section className="map" aria-label={t('map.label')} data-outdated={isOutdated} data-shown={isShown}>
      <div ref={element} className="map-canvas" data-testid="map" data-ready={view !== null} />
      {view === null && state.kind !== 'signed-out' && <MapSkeleton isInterrupted={map === 'interrupted'} />}
      <MapControls view={view} fitCity={fitCity} fitFleet={fitFleet} />
      {view !== null && <OutsideCount failure={failure} onFit={fitFleet} />}
    </section>
  );
}

/** Room for the label of a place at the right edge, and for the controls. */
const LABEL_PIXELS = 80;

/** Shows the area of an alert or zone that was chosen. */
function useFitArea(view: MapView | null, { isShown }: { isShown: boolean }): void {
  const { alerts } = useDashboard();
  const toFit = useStore(alerts.toFit);
  useEffect(() => {
    if (view === null || toFit === null || !isShown) return;
    alerts.toFit.set(null);
    view.fit(toFit, roomForChrome());
  }, [view, toFit, isShown, alerts]);
}

/** Shows the whole route of a trip when it is opened, unless the address has what the map shows. */
function useFitRoute(view: MapView | null): void {
  const { city, view: viewState } = useDashboard();
  const shown = useStore(city.route);
  const tripId = shown?.route.point_count === 0 ? undefined : shown?.route.trip_id;
  const fitted = useRef(viewState.camera.get() === null ? undefined : city.trip.get()?.tripId);
  useEffect(() => {
    if (view === null || tripId === undefined || fitted.current === tripId) return;
    fitted.current = tripId;
    const bbox = extentOf(city.route.get()!.route.points);
    const room = roomForChrome();
    view.fit(bbox, { ...room, right: room.right + LABEL_PIXELS });
  }, [view, tripId, city]);
}

/** A route is short: it crosses the antimeridian if its longitudes differ by more than half of the world. */
function extentOf(points: readonly TrailPoint[]): Viewport {
  const lats = points.map(([lat]) => lat);
  const lngs = points.map(([, lng]) => lng);
  const [south, north] = [Math.min(...lats), Math.max(...lats)];
  const [west, east] = [Math.min(...lngs), Math.max(...lngs)];
  if (east - west <= 180) return { west, south, east, north };
  return {
    west: Math.min(...lngs.filter((lng) => lng > 0)),
    south,
    east: Math.max(...lngs.filter((lng) => lng < 0)),
    north,
  };
}

function MapControls(props: { view: MapView | null; fitCity: () => void; fitFleet: () => void }) {
  const { view, fitCity, fitFleet } = props;
  return (
    <div className="map-controls" role="group" aria-label={t('map.zoom')}>
      <button
        type="button"
        onClick={() => view?.zoomBy(1)}
        aria-label={t('map.zoomIn')}
        title={`${t('map.zoomIn')} (+)`}
      >
        <PlusIcon />
      </button>
      <button
        type="button"
        onClick={() => view?.zoomBy(-1)}
        aria-label={t('map.zoomOut')}
        title={`${t('map.zoomOut')} (-)`}
      >
        <MinusIcon />
      </button>
      <button
        type="button"
        onClick={fitCity}
        aria-label={t('map.city')}
        title={`${t('map.city')} (${keyOf('fitCity')})`}
      >
        <CrosshairIcon />
      </button>
      <button
        type="button"
        onClick={fitFleet}
        aria-label={t('map.fleet')}
        title={`${t('map.fleet')} (${keyOf('fitFleet')})`}
      >
        <FleetIcon />
      </button>
    </div>
  );
}

/** How many vehicles the map does not show, as a button that shows them. */
function OutsideCount({ failure, onFit }: { failure: string | null; onFit: () => void }) {
  const count = useOutsideCount();
  if (count === null || count === 0) return null;
  return (
    <button type="button" className="map-outside" onClick={onFit} data-testid="outside-count">
      {failure === null
        ? t('map.outside', { count: formatCount(count) })
        : t('map.outsideFailed', { count: formatCount(count), reason: failure })}
    </button>
  );
}

function MapSkeleton({ isInterrupted }: { isInterrupted: boolean }) {
  return (
    <div className="map-skeleton" role="status">
      <span className="map-skeleton-mark" aria-hidden="true" />
      {t(isInterrupted ? 'map.restoring' : 'map.loading')}
    </div>
  );
}

/** The style that the service is configured with, or the reason why it cannot be used; neither without one. */
async function configuredStyle({
  mapStyleUrl,
}: City): Promise<{ style: StyleSpecification | null; failure: StyleFailure | null }> {
  if (mapStyleUrl === null) return { style: null, failure: null };
  return { style: null, failure: null, ...(await loadMapStyle(mapStyleUrl)) };
}

function useMapView(
  element: React.RefObject<HTMLDivElement | null>,
  given: Pick<CityMapProps, 'onSlow'> & { city: City | null },
): MapView | null {
  const dashboard = useDashboard();
  const { city, onSlow } = given;
  const [view, setView] = useState<MapView | null>(null);
  useEffect(() => {
    if (city === null) return;
    const container = element.current!;
    let mapView: MapView | null = null;
    let keeper: MapKeeper<MapView> | null = null;
    let isGone = false;
    const stopProbe = answerMarksProbe(container, () => mapView?.drawnMarks() ?? []);
    const { city: state, alerts, view: viewState } = dashboard;
    void Promise.all([mapModule, configuredStyle(city)]).then(([{ MapView }, loaded]) => {
      if (isGone) return;
      let { style } = loaded;
      state.styleFailure.set(loaded.failure);
      const onStyleFailed = (failure: StyleFailure) => {
        // A map that is created again has the built-in style at once.
        style = null;
        state.styleFailure.set(failure);
      };
      keeper = new MapKeeper({
        make: (events, camera) => {
          const theme = dashboard.theme.theme.get();
          const padding = roomForChrome();
          const shared = { city, state, alerts, viewState, theme, padding, camera, events };
          return new MapView(container, { ...shared, style, onStyleFailed });
        },
        onMap: (map) => {
          mapView = map;
          setView(map);
          map?.scene.isSlow.subscribe(() => onSlow(map.scene.isSlow.get()));
        },
        onState: (drawn) => state.map.set(drawn),
      });
      keeper.start();
    });
    return () => {
      isGone = true;
      stopProbe();
      keeper?.stop();
      state.map.set('loading');
    };
  }, [city, dashboard, element, onSlow]);
  return view;
}
