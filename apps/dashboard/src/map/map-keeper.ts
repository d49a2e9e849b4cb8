import type { MapState } from '../city-state/city-state.js';

/** Tries to make the map before it is given up: a browser that lost its graphics process needs a moment. */
export const MAX_ATTEMPTS = 6;

const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 4_000;

/** A map that has drawn nothing for so long after its creation is created again. */
export const DRAWN_WITHIN_MS = 20_000;

/** A map that was drawn for so long counts as working: the next loss starts from the first attempt. */
export const WORKS_AFTER_MS = 30_000;

/** What is kept of a map that is created again: its camera. */
export interface Camera {
  readonly center: readonly [lng: number, lat: number];
  readonly zoom: number;
}

/** A map that was made. */
export interface KeptMap {
  readonly camera: Camera;
  remove(): void;
}

/** What a map tells of itself. */
export interface MapEvents {
  /** Everything it draws with is there. */
  onDrawn(): void;
  /** It can draw nothing any more: the browser took away a context, or did not give one. */
  onLost(): void;
}

export interface MapKeeperOptions<M extends KeptMap> {
  /** Makes a map; throws if the browser gives it nothing to draw with. */
  readonly make: (events: MapEvents, camera: Camera | null) => M;
  /** The map there is now. */
  readonly onMap: (map: M | null) => void;
  readonly onState: (state: MapState) => void;
}

/**
 * Keeps a map on the page. Browsers take WebGL contexts away: a graphics driver was reset, a laptop changed its graphics
 * card, too many tabs want one. What libraries restore by themselves differs, and some contexts never come back, so a map
 * that lost one of its contexts is discarded and created again with the same camera, {@link MAX_ATTEMPTS} times at most.
 */
export class MapKeeper<M extends KeptMap> {
  private readonly options: MapKeeperOptions<M>;
  private map: M | null = null;
  private camera: Camera | null = null;
  private attempts = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isStopped = false;
  /** Of the map there is now. */
  private generation: object | null = null;

  constructor(options: MapKeeperOptions<M>) {
    this.options = options;
  }

  start(): void {
    if (this.isStopped) return;
    this.attempts += 1;
    this.wait(DRAWN_WITHIN_MS, () => this.lost(null));
    // Events of a map that was thrown away mean nothing.
    const generation = {};
    this.generation = generation;
    const events = {
      onDrawn: () => this.generation === generation && this.drawn(),
      onLost: () => this.generation === generation && this.lost(null),
    };
    try {
      this.map = this.options.make(events, this.camera);
    } catch (error) {
      this.lost(error);
      return;
    }
    this.options.onMap(this.map);
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
    this.discard();
  }

  private drawn(): void {
    this.options.onState('drawn');
    this.wait(WORKS_AFTER_MS, () => {
      this.attempts = 0;
    });
  }

  private lost(error: unknown): void {
    if (this.isStopped) return;
    this.discard();
    if (this.attempts >= MAX_ATTEMPTS) {
      clearTimeout(this.timer);
      if (error !== null) reportError(error);
      this.options.onState('unavailable');
      return;
    }
    this.options.onState('interrupted');
    this.wait(Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** this.attempts), () => this.start());
  }

  private discard(): void {
    this.generation = null;
    const map = this.map;
    if (map === null) return;
    this.map = null;
    this.camera = map.camera;
    this.options.onMap(null);
    map.remove();
  }

  private wait(ms: number, then: () => void): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(then, ms);
  }
}
