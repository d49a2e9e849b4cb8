import type { Page } from 'playwright-core';

/** A mark on the map, with its position on the map's element in pixels. */
export interface Mark {
  readonly deviceId: string;
  readonly lng: number;
  readonly lat: number;
  readonly x: number;
  readonly y: number;
}

/** What is drawn, from the page's own data attributes. */
export function marks(page: Page): Promise<readonly Mark[]> {
  return page.evaluate(() => {
    const probe = new CustomEvent<{ marks?: Mark[] }>('hailstream:marks', { detail: {} });
    document.querySelector('[data-testid=map]')?.dispatchEvent(probe);
    return probe.detail.marks ?? [];
  });
}
