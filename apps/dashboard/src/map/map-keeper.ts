import type { Camera } from '../address/address.js';
import type { MapState } from '../city-state/city-state.js';

/** Attempts to create the map: a browser whose graphics process crashed needs time. */
export const MAX_ATTEMPTS = 6;

const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 4_000;

/** A map that has drawn nothing for this long after its creation is created again. */
export const DRAWN_WITHIN_MS = 20_000;

/** A map that was drawn for this long counts as working: the next loss starts with the first attempt. */
export const WORKS_AFTER_MS = 30_000;

/** A created map. Its camera is kept when it is created again. */
interface KeptMap {
  readonly camera: Camera;
  remove(): void;
}

/** Events of a map. */
export interface MapEvents {
  /** It has drawn its first frame. */
  onDrawn(): void;
  /** It cannot draw: the browser discarded a WebGL context or did not create one. */
  onLost(): void;
}

interface MapKeeperOptions<M extends KeptMap> {
  /** Creates a map; throws if the browser does not provide WebGL. */
  readonly make: (events: MapEvents, camera: Camera | null) => M;
  /** The current map. */
  readonly onMap: (map: M | null) => void;
  readonly onState: (state: MapState) => void;
}

/**
 * Keeps a map on the page. Browsers discard WebGL contexts if a graphics driver is reset, a laptop switches its graphics
 * card or too many tabs use one. Libraries differ in what they restore, and some contexts are never restored, so a map
 * that lost one of its contexts is discarded and created again with the same camera, {@link MAX_ATTEMPTS} times at most.
 */
export class MapKeeper<M extends KeptMap> {
  private readonly options: MapKeeperOptions<M>;
  private map: M | null = null;
  private camera: Camera | null = null;
  private attempts = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isStopped = false;
  /** Of the current map. */
  private generation: object | null = null;

  constructor(options: MapKeeperOptions<M>) {
    this.options = options;
  }

  start(): void {
    if (this.isStopped) return;
    this.attempts += 1;
    this.wait(DRAWN_WITHIN_MS, () => this.lost(null));
    // Events of a discarded map are ignored.
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
