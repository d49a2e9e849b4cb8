export { launchBrowser, type TestBrowser } from './launch-browser.js';
export { heapBytes, recordMainThread } from './main-thread.js';
