import 'maplibre-gl/dist/maplibre-gl.css';
import { MapboxOverlay } from '@deck.gl/mapbox';
import type { City, VehicleRef, Viewport } from '@hailstream/events/live';
import {
  AttributionControl,
  Map as MapLibreMap,
  type MapMouseEvent,
  type PaddingOptions,
  ScaleControl,
  setWorkerUrl,
  type StyleSpecification,
} from 'maplibre-gl';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-csp-worker.js?url';
import { type Camera, parameters } from '../address/address.js';
import type { AlertsState } from '../alert-state/alerts-state.js';
import type { CityState } from '../city-state/city-state.js';
import {
  acrossWorld,
  latOfWorldY,
  lngOfWorldX,
  type Place,
  worldSizePixels,
  worldX,
  worldY,
} from '../city-state/mercator.js';
import type { TripRef } from '../city-state/waiting-riders.js';
import type { Theme } from '../theme/theme.js';
import type { ViewState } from '../view-state.js';
import { cellRadiusPixels } from './layers.js';
import { Follower } from './follower.js';
import { overlap } from './graticule.js';
import { boundsOf, contains, nearestTurn, spansAntimeridian, viewportOf } from './longitude.js';
import type { MapEvents } from './map-keeper.js';
import { nearestMark } from './nearest-mark.js';
import { roadStyle } from './road-style.js';
import { Scene } from './scene.js';
import { hasTiles, type StyleFailure } from '../map-style/map-style.js';
import { StyleTrial } from '../map-style/style-trial.js';
import { throttle } from './throttle.js';
import { t } from '../locale/text.js';
import { locale } from '../locale/locale.js';

/** Minimum interval between two viewports sent while the map moves. */
const VIEWPORT_EVERY_MS = 250;

/** Share of the visible size requested beyond each edge, so that vehicles move in over the edge. */
const VIEWPORT_MARGIN = 0.12;

/** Maximum distance between the pointer and a mark. */
const PICK_RADIUS_PIXELS = 16;

/** A vehicle far away is shown at least this close. */
const CLOSEST_REVEAL_ZOOM = 14;

/** A fleet is not shown closer than this: a single vehicle would fill the map. */
const CLOSEST_FIT_ZOOM = 15.5;

/** Zoom levels added by a click on a cell. */
const CELL_ZOOM_STEPS = 2;

setWorkerUrl(workerUrl);

/** The map: roads, the layers above them, and pointer interaction. */
export class MapView {
  readonly scene: Scene;
  private readonly removed = new AbortController();
  private readonly map: MapLibreMap;
  private readonly city: City;
  private readonly state: CityState;
  private readonly alerts: AlertsState;
  private readonly viewState: ViewState;
  private theme: Theme;
  /** The configured style; `null` if the map has the built-in one. */
  private style: StyleSpecification | null;
  private trial: StyleTrial | null = null;
  private readonly follower: Follower;
  private requested: Viewport | null = null;
  private readonly stopFollowing: () => void;
  private readonly sendViewport = throttle(
    (viewport: Viewport) => this.state.viewport.set(viewport),
    VIEWPORT_EVERY_MS,
  );

  constructor(
    container: HTMLElement,
    options: {
      city: City;
      state: CityState;
      alerts: AlertsState;
      viewState: ViewState;
      theme: Theme;
      /** The configured style; `null` uses the built-in one. */
      style: StyleSpecification | null;
      /** Called if the configured style does not work: the map then has the built-in one. */
      onStyleFailed: (failure: StyleFailure) => void;
      padding: Required<PaddingOptions>;
      /** The camera of the map that this one replaces; `null` uses the address's, or else shows the whole city. */
      camera: Camera | null;
      events: MapEvents;
    },
  ) {
    const { city, state, alerts, viewState, theme, events } = options;
    const camera = options.camera ?? viewState.camera.get();
    this.city = city;
    this.theme = theme;
    this.style = options.style;
    this.state = state;
    this.alerts = alerts;
    this.viewState = viewState;
    this.map = new MapLibreMap({
      container,
      style: options.style ?? roadStyle(city, theme),
      ...(camera === null
        ? { bounds: boundsOf(city.bbox), fitBoundsOptions: { padding: options.padding } }
        : { center: [...camera.center], zoom: camera.zoom }),
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      maxPitch: 0,
      // A city that spans the antimeridian is drawn in two copies of the world.
      renderWorldCopies: spansAntimeridian(city.bbox),
      fadeDuration: 0,
      locale: { 'Map.Title': t('map.of', { city: city.name }) },
    });
    if (options.style !== null) this.tryStyle(options.style, options.onStyleFailed);
    this.addControls();
    // Roads and vehicles have separate canvases, and the map needs both. Context events do not bubble.
    container.addEventListener('webglcontextlost', events.onLost, {
      capture: true,
      signal: this.removed.signal,
    });
    let isLoaded = false;
    const overlay = new MapboxOverlay({
      interleaved: false,
      layers: [],
      onLoad: () => {
        isLoaded = true;
        // Keys act on the map below.
        overlay.getCanvas()?.setAttribute('tabindex', '-1');
        events.onDrawn();
      },
      onError: (error) => {
        reportError(error);
        if (!isLoaded) events.onLost();
      },
    });
    this.map.addControl(overlay);
    const look = { theme, zoom: this.map.getZoom() };
    this.scene = new Scene(overlay, { city: state, alerts, heat: viewState.heat }, look);
    this.listen();
    this.stopFollowing = viewState.camera.subscribe(() => this.followAddress());
    const onZoom = (): void => viewState.camera.set(this.camera);
    this.follower = new Follower(this.map, { state, viewState, onZoom });
    this.reportViewport();
  }

  setTheme(theme: Theme): void {
    if (theme === this.theme) return;
    this.theme = theme;
    if (this.style === null) this.map.setStyle(roadStyle(this.city, theme));
    this.scene.setTheme(theme);
  }

  /** Shows the whole city. */
  fitCity(padding: Required<PaddingOptions>): void {
    this.viewState.follow.set(false);
    this.map.fitBounds(boundsOf(this.city.bbox), { padding });
  }

  /** Shows a whole area. */
  fit(bbox: Viewport, padding: Required<PaddingOptions>): void {
    this.viewState.follow.set(false);
    this.map.fitBounds(boundsOf(bbox), { padding, maxZoom: CLOSEST_FIT_ZOOM });
  }

  zoomBy(steps: number): void {
    this.map.easeTo({ zoom: this.map.getZoom() + steps });
  }

  /** Moves the map if a place is outside of it, or covered by elements above it. */
  reveal(place: Place, padding: Required<PaddingOptions>): void {
    const { x, y } = this.project(place);
    const { clientWidth, clientHeight } = this.map.getContainer();
    const isFree =
      x >= padding.left &&
      x <= clientWidth - padding.right &&
      y >= padding.top &&
      y <= clientHeight - padding.bottom;
    if (isFree) return;
    const across = (padding.left + clientWidth - padding.right) / 2;
    const down = (padding.top + clientHeight - padding.bottom) / 2;
    const isSeen = x >= 0 && y >= 0 && x <= clientWidth && y <= clientHeight;
    this.map.flyTo({
      center: [nearestTurn(place.lng, this.map.getCenter().lng), place.lat],
      zoom: isSeen ? this.map.getZoom() : Math.max(this.map.getZoom(), CLOSEST_REVEAL_ZOOM),
      offset: [across - clientWidth / 2, down - clientHeight / 2],
    });
  }

  /** The marks as last drawn, with their position on the map's element in pixels. */
  drawnMarks(): (VehicleRef & { lng: number; lat: number; x: number; y: number })[] {
    const { vehicles, positions } = this.scene.marks;
    return vehicles.map((vehicle, index) => {
      const lng = positions[2 * index]!;
      const lat = positions[2 * index + 1]!;
      const { x, y } = this.project({ lng, lat });
      return { ...vehicle, lng, lat, x, y };
    });
  }

  get camera(): Camera {
    const { lng, lat } = this.map.getCenter();
    return { center: [lng, lat], zoom: this.map.getZoom() };
  }

  /** Removes the map from the page, even if its contexts are lost. */
  remove(): void {
    this.removed.abort();
    this.trial?.stop();
    this.sendViewport.cancel();
    this.stopFollowing();
    this.follower.stop();
    this.scene.stop();
    const container = this.map.getContainer();
    try {
      this.map.remove();
    } catch {
      // Libraries may throw if a context is lost; the next line removes what they leave on the page.
    }
    container.replaceChildren();
  }

  private addControls(): void {
    this.map.touchZoomRotate.disableRotation();
    this.map.keyboard.disableRotation();
    const customAttribution = escapeHtml(this.city.attribution);
    this.map.addControl(new AttributionControl({ compact: false, customAttribution }), 'bottom-right');
    this.map.addControl(new ScaleControl({ maxWidth: 110, unit: locale.get().units }), 'bottom-left');
  }

  /** Replaces a style that does not work by the built-in one. */
  private tryStyle(style: StyleSpecification, onFailed: (failure: StyleFailure) => void): void {
    const map = this.map;
    const trial = new StyleTrial({
      needsTile: hasTiles(style),
      isVisible: () => document.visibilityState === 'visible',
      onEnd: (failure) => {
        // From here on, errors are reported to the browser's console.
        for (const subscription of subscriptions) subscription.unsubscribe();
        if (failure === null) return;
        this.style = null;
        map.setStyle(roadStyle(this.city, this.theme), { diff: false });
        this.reportViewport();
        onFailed(failure);
      },
    });
    const subscriptions = [
      map.on('error', ({ error }) => trial.error(error.message)),
      map.on('style.load', () => trial.styleLoaded()),
      map.on('sourcedata', ({ tile }) => {
        if (tile !== undefined) trial.tileLoaded();
      }),
      map.on('idle', () => trial.idle()),
    ];
    this.trial = trial;
  }

  private listen(): void {
    const map = this.map;
    map.on('moveend', () => {
      this.reportViewport();
      // Where a followed vehicle is, is not part of the address.
      if (!this.viewState.follow.get()) this.viewState.camera.set(this.camera);
    });
    map.on('zoom', () => this.scene.setZoom(map.getZoom()));
    map.on('click', (event) => this.click(event));
    map.on('mousemove', (event) => {
      const isDrawing = this.alerts.draft.get() !== null;
      map.getCanvas().style.cursor = isDrawing ? 'crosshair' : this.somethingAt(event) ? 'pointer' : '';
    });
  }

  /** Moves to the camera of an entry of the browser's history. */
  private followAddress(): void {
    const camera = this.viewState.camera.get();
    const { format } = parameters.map;
    if (camera === null || format(camera) === format(this.camera)) return;
    this.map.jumpTo({ center: [...camera.center], zoom: camera.zoom });
  }

  /** Pixels on the map's element, in the visible copy of the world. */
  private project({ lng, lat }: Place): { x: number; y: number } {
    return this.map.project([nearestTurn(lng, this.map.getCenter().lng), lat]);
  }

  private reportViewport(): void {
    const bounds = this.map.getBounds();
    const [west, south, east, north] = [
      bounds.getWest(),
      bounds.getSouth(),
      bounds.getEast(),
      bounds.getNorth(),
    ];
    const seen = { west, south, east, north };
    // While a vehicle is followed, the map moves with each frame: the next area is requested when it is needed.
    const isRequested =
      this.requested !== null && this.viewState.follow.get() && contains(this.requested, seen);
    if (!isRequested) {
      this.requested = viewportOf(seen, VIEWPORT_MARGIN);
      this.sendViewport(this.requested);
    }
    this.scene.setBounds(seen, { hasRoads: this.hasRoads(seen) });
  }

  /** A map style is expected to cover the world. */
  private hasRoads(seen: Viewport): boolean {
    const { bbox, roads } = this.city;
    if (this.style !== null) return true;
    const [west, south, east, north] = boundsOf(bbox);
    return roads.features.length > 0 && overlap(seen, { west, south, east, north });
  }

  private click(event: MapMouseEvent): void {
    const { lng, lat } = event.lngLat.wrap();
    if (this.alerts.addCorner([lng, lat])) return;
    const cell = this.cellAt(event);
    if (cell !== undefined) {
      const zoom = this.map.getZoom() + CELL_ZOOM_STEPS;
      const lng = nearestTurn(lngOfWorldX(cell.x), event.lngLat.lng);
      this.map.easeTo({ center: [lng, latOfWorldY(cell.y)], zoom });
      return;
    }
    const vehicle = this.vehicleAt(event);
    const rider = vehicle === null ? this.riderAt(event) : null;
    if (rider === null) this.state.select(vehicle);
    else this.state.selectTrip(rider);
  }

  private somethingAt(event: MapMouseEvent): boolean {
    return this.cellAt(event) !== undefined || this.vehicleAt(event) !== null || this.riderAt(event) !== null;
  }

  private vehicleAt({ lngLat }: MapMouseEvent): VehicleRef | null {
    if (this.scene.cells.length > 0) return null;
    const { vehicles, positions } = this.scene.marks;
    const pointer = { at: lngLat, zoom: this.map.getZoom(), radiusPixels: PICK_RADIUS_PIXELS };
    return vehicles[nearestMark(positions, pointer)] ?? null;
  }

  private riderAt({ lngLat }: MapMouseEvent): TripRef | null {
    if (this.state.riders.get() === 'hidden') return null;
    const riders = this.state.shown.get().waiting.list;
    const pointer = { at: lngLat, zoom: this.map.getZoom(), radiusPixels: PICK_RADIUS_PIXELS };
    const positions = Float64Array.from(riders.flatMap(({ lng, lat }) => [lng, lat]));
    const rider = riders[nearestMark(positions, pointer)];
    return rider === undefined ? null : { tripId: rider.tripId, providerId: rider.providerId };
  }

  private cellAt({ lngLat }: MapMouseEvent) {
    const size = worldSizePixels(this.map.getZoom());
    const [x, y] = [worldX(lngLat.lng), worldY(lngLat.lat)];
    return this.scene.cells.find(
      (cell) => Math.hypot(acrossWorld(cell.x, x), cell.y - y) * size <= cellRadiusPixels(cell.count),
    );
  }
}

/** Escapes the attribution, which comes from the city file and is inserted as HTML. */
function escapeHtml(text: string): string {
  const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replace(/[&<>"]/g, (character) => escapes[character]!);
}
