export { launchBrowser, type TestBrowser } from '@hailstream/tools/browser';
