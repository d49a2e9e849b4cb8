export * from './geo/geo.js';
export * from './graph/road-graph.js';
export * from './graph/router.js';
export * from './matching/map-matcher.js';
export * from './matching/road-network.js';
export type { TracePoint } from './matching/stays.js';
