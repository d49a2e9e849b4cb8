export type * from './frame.js';
export type * from './history.js';
export type * from './lists.js';
export type * from './messages.js';
export type * from './page.js';
export type * from './search.js';
export type * from './status.js';
export type * from './vehicle.js';
