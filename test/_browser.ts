export { launchBrowser, type TestBrowser } from '@hailstream/tools/browser';

/**
 * Time limit of every wait for a page. A page that is loaded again while both cores are busy draws its first map only
 * after 15 s, because the processor draws it.
 */
export const PAGE_TIMEOUT_MS = 60_000;
