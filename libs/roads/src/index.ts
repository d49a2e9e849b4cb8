export * from './geo/geo.js';
export * from './graph/road-graph.js';
export * from './graph/router.js';
