/** Likely mistakes in events that are valid, and the reasons of those that are not. Ingest and realtime share them. */
export * from './plausibility/fares.js';
export * from './plausibility/places.js';
export * from './plausibility/problems.js';
export * from './plausibility/rejection-reason.js';
export * from './plausibility/speeds.js';
export * from './plausibility/times.js';
