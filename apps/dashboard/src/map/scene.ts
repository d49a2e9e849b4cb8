import type { Layer } from '@deck.gl/core';
import type { MapboxOverlay } from '@deck.gl/mapbox';
import type { AlertsState } from '../alert-state/alerts-state.js';
import { zoneLayers } from '../alert-state/zone-layers.js';
import { type Cell, countPerCell, isCrowded, toPlaces } from '../city-state/cells.js';
import type { CityContents } from '../city-state/city-contents.js';
import type { CityState } from '../city-state/city-state.js';
import { statesOnMap } from '../city-state/drawn-state.js';
import { isVehicleRef } from '../city-state/fleet.js';
import { latOfWorldY, lngOfWorldX } from '../city-state/mercator.js';
import type { WaitingRider } from '../city-state/waiting-riders.js';
import { colorsOfProviders, drawMarksAtlas, drawRiderIcon, type MarksAtlas } from '../marks/marks-atlas.js';
import { shortId } from '../format.js';
import type { HeatChoice } from '../address/choices.js';
import { heatLayers } from '../heat/heat-layers.js';
import { labelLayer } from '../labels/label-layer.js';
import { type Label, layOutLabels } from '../labels/lay-out-labels.js';
import { Store } from '../store.js';
import type { Theme } from '../theme/theme.js';
import { FramePace } from './frame-pace.js';
import type { Viewport } from '@hailstream/events/live';
import { type Graticule, graticuleOf } from './graticule.js';
import { routeLayers } from './route-layers.js';
import { cellLayers, detailLayers, graticuleLayers, marksLayer, riderLayer, ringLayer } from './layers.js';
import { layOutMarks, type MarkColumns, placeMarks } from './mark-columns.js';

/** Duration of the transition between marks and counts. */
const CROSSFADE_MS = 220;

/** Zoom is rounded to these steps when deciding what to draw. */
const ZOOM_STEPS = 4;

/**
 * Draws the layers above the roads. The layout of a frame from the service is computed once a tick; an animation frame only
 * interpolates positions. No animation frames are requested while nothing moves.
 */
export class Scene {
  /** Whether the browser is too slow to animate. */
  readonly isSlow = new Store(false);
  private readonly overlay: MapboxOverlay;
  private readonly city: CityState;
  private readonly heat: Store<HeatChoice>;
  private readonly alerts: AlertsState;
  private readonly pace = new FramePace();
  private readonly unsubscribe: (() => void)[];
  /** Ends the subscriptions to the contents that are shown. */
  private unfollow: (() => void)[] = [];
  private theme: Theme;
  private zoom: number;
  private atlas: MarksAtlas;
  private columns: MarkColumns;
  private countedCells: readonly Cell[] = [];
  private cellsShown: Layer[] = [];
  private detailShown: Layer[] = [];
  private ridersShown: Layer[] = [];
  private routeShown: Layer[] = [];
  private riderIcon: HTMLCanvasElement;
  private graticuleShown: Layer[] = [];
  private heatShown: Layer[] = [];
  private labels: readonly Label[] = [];
  private zonesShown: Layer[] = [];
  private graticule: Graticule | null = null;
  /** The visible area in MapLibre's form, once it is known. */
  private bounds: Viewport | null = null;
  private counting = false;
  /** 0 draws marks alone, 1 counts alone. */
  private countsOpacity = 0;
  private needsLayout = true;
  private isPaused = false;
  private frameRequest: number | null = null;
  private drawnAt = 0;

  constructor(
    overlay: MapboxOverlay,
    { city, alerts, heat }: { city: CityState; alerts: AlertsState; heat: Store<HeatChoice> },
    look: { theme: Theme; zoom: number },
  ) {
    this.alerts = alerts;
    this.overlay = overlay;
    this.heat = heat;
    this.city = city;
    this.theme = look.theme;
    this.zoom = look.zoom;
    this.atlas = drawMarksAtlas(look.theme, city.colors.get());
    this.riderIcon = drawRiderIcon(look.theme);
    this.columns = this.layOutMarks();
    this.unsubscribe = [
      city.shown.subscribe(() => this.followContents()),
      city.hidden.subscribe(() => this.relayout()),
      city.selected.subscribe(() => this.relayout()),
      city.trip.subscribe(() => this.relayout()),
      city.riders.subscribe(() => this.relayout()),
      city.providers.subscribe(() => this.relayout()),
      city.colors.subscribe(() => this.recolor()),
      city.route.subscribe(() => this.showRoute()),
      city.battery.subscribe(() => this.relayout()),
      city.contact.subscribe(() => this.relayout()),
      city.labels.subscribe(() => this.relayout()),
      city.demand.subscribe(() => this.showHeat()),
      heat.subscribe(() => this.showHeat()),
      alerts.zones.subscribe(() => this.showZones()),
      alerts.zonesOnMap.subscribe(() => this.showZones()),
      alerts.draft.subscribe(() => this.showZones()),
    ];
    this.followContents();
    this.showRoute();
  }

  /** The marks as last drawn; `positions` are longitude and latitude pairs. */
  get marks(): MarkColumns {
    return this.columns;
  }

  /** The cells, if counts are drawn instead of marks. */
  get cells(): readonly Cell[] {
    return this.counting ? this.countedCells : [];
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    this.riderIcon = drawRiderIcon(theme);
    this.recolor();
    this.showGraticule();
    this.showRoute();
  }

  /** The visible area; `hasRoads`: whether the map has roads there. Otherwise lines of latitude and longitude are drawn. */
  setBounds(bounds: Viewport, { hasRoads }: { hasRoads: boolean }): void {
    this.bounds = bounds;
    this.graticule = hasRoads ? null : graticuleOf(bounds);
    this.showGraticule();
    this.relayout();
  }

  setZoom(zoom: number): void {
    const stepped = Math.round(zoom * ZOOM_STEPS) !== Math.round(this.zoom * ZOOM_STEPS);
    this.zoom = zoom;
    if (stepped) this.relayout();
    else this.wake();
  }

  /** Stops drawing while the map is not visible. */
  setPaused(isPaused: boolean): void {
    this.isPaused = isPaused;
    if (!isPaused) this.relayout();
  }

  stop(): void {
    for (const unsubscribe of [...this.unsubscribe, ...this.unfollow]) unsubscribe();
    if (this.frameRequest !== null) cancelAnimationFrame(this.frameRequest);
    this.frameRequest = null;
  }

  private followContents(): void {
    for (const unsubscribe of this.unfollow) unsubscribe();
    const { tick, detail } = this.contents;
    this.unfollow = [tick.subscribe(() => this.relayout()), detail.subscribe(() => this.showDetail())];
    this.relayout();
    this.showDetail();
  }

  private get contents(): CityContents {
    return this.city.shown.get();
  }

  private recolor(): void {
    this.atlas = drawMarksAtlas(this.theme, this.city.colors.get());
    this.relayout();
  }

  private showZones(): void {
    const { zones, zonesOnMap, draft } = this.alerts;
    const shown = zonesOnMap.get() === 'shown' ? (zones.get()?.zones ?? []) : [];
    this.zonesShown = zoneLayers(shown, { theme: this.theme, draft: draft.get() });
    document.documentElement.dataset['zonesDrawn'] = String(shown.length);
    this.relayout();
  }

  private showGraticule(): void {
    this.graticuleShown = this.graticule === null ? [] : graticuleLayers(this.graticule, this.theme);
    this.wake();
  }

  private showHeat(): void {
    const demand = this.city.demand.get();
    const choice = this.heat.get();
    this.heatShown =
      demand === null || choice === 'none' ? [] : heatLayers(demand, { choice, theme: this.theme });
    document.documentElement.dataset['heatCells'] = String(demand === null ? 0 : demand.cells.length);
    this.wake();
  }

  private relayout(): void {
    this.needsLayout = true;
    this.wake();
  }

  private showDetail(): void {
    const detail = this.contents.detail.get();
    this.detailShown = detail === null ? [] : detailLayers(detail, this.theme);
    this.wake();
  }

  private showRoute(): void {
    const shown = this.city.route.get();
    this.routeShown = shown === null ? [] : routeLayers(shown, this.theme);
    document.documentElement.dataset['routePoints'] = String(shown?.route.points.length ?? 0);
    if (shown === null) this.showCity();
    this.relayout();
  }

  /** Layers that a route replaces. They are created again after it, because deck.gl does not draw a layer that was removed. */
  private showCity(): void {
    this.showDetail();
    this.showHeat();
    this.showZones();
  }

  private wake(): void {
    if (!this.isPaused) this.frameRequest ??= requestAnimationFrame(this.frame);
  }

  private readonly frame = (now: number): void => {
    this.frameRequest = null;
    const isFading = this.countsOpacity !== Number(this.counting);
    // Counts do not change between two ticks.
    const showsMoving = this.countsOpacity < 1 || this.city.selected.get() !== null;
    const isMoving = showsMoving && this.contents.fleet.progress(now) < 1;
    if (this.needsLayout || this.pace.isDue(now)) this.draw(now);
    if (isMoving || isFading || this.countsOpacity !== Number(this.counting)) this.wake();
    else this.drawnAt = 0;
  };

  private draw(now: number): void {
    if (this.needsLayout) this.layOut();
    placeMarks(this.contents.fleet, this.columns, now);
    this.fade(now);
    this.overlay.setProps({ layers: this.layers(now) });
    this.pace.drawn(now, this.drawnAt > 0);
    this.drawnAt = now;
    this.isSlow.set(this.pace.isSlow);
  }

  private layOut(): void {
    this.needsLayout = false;
    const { fleet } = this.contents;
    this.columns = this.layOutMarks();
    const { slots, positions, kinds } = this.columns;
    // Cells count target positions, so that they change once a tick.
    placeMarks(fleet, this.columns, Number.POSITIVE_INFINITY);
    const { counted } = this.contents;
    const places = toPlaces(positions, slots.length);
    this.counting = counted.isCounted || isCrowded(places, { zoom: this.zoom, counting: this.counting });
    if (counted.isCounted) this.countedCells = counted.drawn(this.city.hidden.get());
    else if (this.counting) {
      this.countedCells = countPerCell(places, { zoom: this.zoom, kinds, kindCount: statesOnMap.length });
    }
    this.cellsShown = [];
    this.labels = this.layOutLabels();
    this.ridersShown = this.riders();
    this.countInView();
    const { dataset } = document.documentElement;
    const counts = counted.isCounted ? this.countedCells : [];
    dataset['vehiclesDrawn'] = String(counts.reduce((sum, { count }) => sum + count, slots.length));
    dataset['labels'] = String(this.labels.length);
    dataset['mapMode'] = this.counting ? 'counts' : 'marks';
  }

  private layOutMarks(): MarkColumns {
    const { hidden, battery, contact, selected, colors } = this.city;
    const { fleet } = this.contents;
    return layOutMarks(fleet, {
      filter: { hidden: hidden.get(), battery: battery.get(), contact: contact.get() },
      selected: selected.get(),
      atlas: this.atlas,
      colorOf: colors.get() === 'provider' ? this.providerColors() : null,
    });
  }

  private layOutLabels(): Label[] {
    const choice = this.city.labels.get();
    if (choice === 'none' || this.counting || this.bounds === null) return [];
    const { fleet } = this.contents;
    const { positions, slots, vehicles } = this.columns;
    const textOf = (index: number): string | null => {
      if (choice === 'id') return shortId(vehicles[index]!.deviceId);
      if (choice === 'provider') return shortId(vehicles[index]!.providerId);
      const battery = fleet.batteryAt(slots[index]!);
      return battery === null ? null : `${battery}%`;
    };
    return layOutLabels(positions, { bounds: this.bounds, zoom: this.zoom, textOf });
  }

  /** The index of each provider's colour: that of its place in the list, or the last one. */
  private providerColors(): (providerId: string) => number {
    const last = colorsOfProviders.length - 1;
    const indexes = new Map(
      this.city.providers
        .get()
        .map(({ provider_id: providerId }, index) => [providerId, Math.min(index, last)]),
    );
    return (providerId) => indexes.get(providerId) ?? last;
  }

  private riders(): Layer[] {
    const { riders, trip } = this.city;
    const { waiting } = this.contents;
    const selected = trip.get();
    const at = selected === null ? undefined : waiting.rider(selected);
    const ring =
      at === undefined
        ? []
        : [ringLayer([at.lng, at.lat], { theme: this.theme, zoom: this.zoom, id: 'selected-rider' })];
    const shown: readonly WaitingRider[] = riders.get() === 'shown' ? waiting.list : [];
    return [...ring, riderLayer(shown, { icon: this.riderIcon, zoom: this.zoom, theme: this.theme })];
  }

  /** Counts the drawn vehicles in the visible area; those of a cell if its centre is. */
  private countInView(): void {
    const tick = this.contents.tick.get();
    if (this.bounds === null || tick === null) return;
    const { west, south, east, north } = this.bounds;
    const isInView = (lng: number, lat: number): boolean =>
      (((lng - west) % 360) + 360) % 360 <= east - west && lat >= south && lat <= north;
    const { positions } = this.columns;
    let count = 0;
    for (let index = 0; index < positions.length; index += 2) {
      if (isInView(positions[index]!, positions[index + 1]!)) count++;
    }
    for (const cell of this.contents.counted.isCounted ? this.countedCells : []) {
      if (isInView(lngOfWorldX(cell.x), latOfWorldY(cell.y))) count += cell.count;
    }
    const before = this.city.inView.get();
    if (before?.count !== count || before.asOf !== tick.asOf)
      this.city.inView.set({ count, asOf: tick.asOf });
  }

  private fade(now: number): void {
    const step = this.drawnAt === 0 ? 1 : (now - this.drawnAt) / CROSSFADE_MS;
    const target = Number(this.counting);
    const before = this.countsOpacity;
    this.countsOpacity = target > before ? Math.min(target, before + step) : Math.max(target, before - step);
    if (this.countsOpacity !== before) this.cellsShown = [];
  }

  private layers(now: number): Layer[] {
    // A route is of the past: where vehicles are now would be mistaken for a part of it.
    if (this.routeShown.length > 0) return [...this.graticuleShown, ...this.routeShown];
    const marksOpacity = 1 - this.countsOpacity;
    if (this.countsOpacity > 0 && this.cellsShown.length === 0) {
      this.cellsShown = cellLayers(this.countedCells, {
        theme: this.theme,
        opacity: this.countsOpacity,
        colors: this.contents.counted.isCounted ? 'state' : this.city.colors.get(),
      });
    }
    return [
      ...this.graticuleShown,
      ...this.heatShown,
      ...this.zonesShown,
      ...this.detailShown,
      ...this.ring(now),
      marksLayer(this.columns, { atlas: this.atlas, zoom: this.zoom, opacity: marksOpacity }),
      ...this.labelsShown(now),
      ...this.ridersShown,
      ...this.cellsShown,
    ];
  }

  private labelsShown(now: number): Layer[] {
    if (this.labels.length === 0 || this.countsOpacity > 0) return [];
    return [labelLayer(this.labels, { positions: this.columns.positions, now, theme: this.theme })];
  }

  private ring(now: number): Layer[] {
    const selected = this.city.selected.get();
    const slot = isVehicleRef(selected) ? this.contents.fleet.slotOf(selected) : undefined;
    const look = { theme: this.theme, zoom: this.zoom };
    if (slot === undefined) {
      // While vehicles are counted, only the selected one is known.
      const location = this.contents.counted.isCounted ? this.contents.detail.get()?.location : null;
      return location ? [ringLayer([location.lng, location.lat], look)] : [];
    }
    const positions = new Float64Array(2);
    this.contents.fleet.sample(Uint32Array.of(slot), now, { positions, headings: new Float32Array(1) });
    return [ringLayer([positions[0]!, positions[1]!], look)];
  }
}
