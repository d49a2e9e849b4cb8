import type { Map as MapLibreMap } from 'maplibre-gl';
import type { CityState } from '../city-state/city-state.js';
import type { ViewState } from '../view-state.js';
import { nearestTurn } from './longitude.js';
import { placeOf } from './place-of.js';
import { roomForChrome } from './room-for-chrome.js';

const PAN_KEYS = new Set(['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown']);

/** Keeps the selected vehicle in the middle of the free part of the map, until the user moves the map. */
export class Follower {
  private readonly map: MapLibreMap;
  private readonly state: CityState;
  private readonly viewState: ViewState;
  private readonly stopped = new AbortController();
  private readonly unsubscribe: (() => void)[];
  private unfollow: (() => void)[] = [];
  /** Whether the user may be about to drag the map: a camera that moves meanwhile ends the gesture. */
  private isPressed = false;

  constructor(
    map: MapLibreMap,
    { state, viewState, onZoom }: { state: CityState; viewState: ViewState; onZoom: () => void },
  ) {
    this.map = map;
    this.state = state;
    this.viewState = viewState;
    this.unsubscribe = [
      state.shown.subscribe(() => this.watchContents()),
      viewState.follow.subscribe(() => this.move()),
    ];
    const end = (): void => viewState.follow.set(false);
    map.on('dragstart', end);
    map.on('zoomend', onZoom);
    const { signal } = this.stopped;
    map.getCanvas().addEventListener('keydown', ({ key }) => PAN_KEYS.has(key) && end(), { signal });
    map.getCanvasContainer().addEventListener('pointerdown', () => (this.isPressed = true), { signal });
    for (const released of ['pointerup', 'pointercancel'] as const) {
      addEventListener(released, () => (this.isPressed = false), { signal });
    }
    this.watchContents();
  }

  stop(): void {
    this.stopped.abort();
    for (const unsubscribe of [...this.unsubscribe, ...this.unfollow]) unsubscribe();
  }

  /** The present or a moment of the past: both have the vehicle's place once a tick. */
  private watchContents(): void {
    for (const unsubscribe of this.unfollow) unsubscribe();
    const { tick, detail } = this.state.shown.get();
    this.unfollow = [tick.subscribe(() => this.move()), detail.subscribe(() => this.move())];
    this.move();
  }

  private move(): void {
    const selected = this.state.selected.get();
    if (!this.viewState.follow.get() || selected === null) return;
    // The next frame follows when the zoom has ended.
    if (this.isPressed || this.map.isZooming()) return;
    const contents = this.state.shown.get();
    const place = placeOf(selected, { contents, detail: contents.detail.get(), trip: null });
    if (place === null) return;
    const { left, right, top, bottom } = roomForChrome();
    this.map.easeTo({
      center: [nearestTurn(place.lng, this.map.getCenter().lng), place.lat],
      offset: [(left - right) / 2, (top - bottom) / 2],
      // As long as the marks take to their next places.
      duration: this.state.glides ? (contents.tick.get()?.tickMs ?? 0) : 0,
      easing: (share) => share,
      essential: true,
    });
  }
}
