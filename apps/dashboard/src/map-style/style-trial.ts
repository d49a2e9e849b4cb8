import type { StyleFailure } from './map-style.js';

/** A style that has loaded no tile after this time is not used. */
export const WORKS_WITHIN_MS = 15_000;

const CHECK_EVERY_MS = 1_000;

interface StyleTrialOptions {
  /** Whether the style has to load a tile. */
  readonly needsTile: boolean;
  /** Browsers draw nothing while the page is hidden: that time does not count. */
  readonly isVisible: () => boolean;
  /** Called once: with `null` if the style works, otherwise with the reason. */
  readonly onEnd: (failure: StyleFailure | null) => void;
}

/**
 * Decides by the events of a map whether its style works: it is valid, and at least one tile was loaded. The servers of tiles may
 * fail although the style does not, and without tiles there would be nothing below the vehicles.
 */
export class StyleTrial {
  private readonly options: StyleTrialOptions;
  private readonly timer: ReturnType<typeof setInterval>;
  private waitedMs = 0;
  private isStyleLoaded = false;
  private hasEnded = false;
  private reason: string | null = null;

  constructor(options: StyleTrialOptions) {
    this.options = options;
    this.timer = setInterval(() => this.wait(), CHECK_EVERY_MS);
  }

  /** Before the style is loaded, errors are those of its validation. */
  error(message: string): void {
    this.reason ??= message;
    if (!this.isStyleLoaded) this.end({ kind: 'invalid', reason: message });
  }

  styleLoaded(): void {
    this.isStyleLoaded = true;
    if (!this.options.needsTile) this.end(null);
  }

  tileLoaded(): void {
    this.end(null);
  }

  /** All requests of the map have ended. */
  idle(): void {
    if (this.isStyleLoaded) this.end({ kind: 'tiles', reason: this.reason });
  }

  /** Ends without a decision. */
  stop(): void {
    this.hasEnded = true;
    clearInterval(this.timer);
  }

  private wait(): void {
    if (!this.options.isVisible()) return;
    this.waitedMs += CHECK_EVERY_MS;
    if (this.waitedMs >= WORKS_WITHIN_MS) this.end({ kind: 'tiles', reason: this.reason });
  }

  private end(failure: StyleFailure | null): void {
    if (this.hasEnded) return;
    this.stop();
    this.options.onEnd(failure);
  }
}
