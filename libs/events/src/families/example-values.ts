/** Values that the families' examples share: one taxi ride in Monaco. */
export const exampleValues = {
  providerId: '2411d395-04f2-47c9-ab66-d09e9e3c3251',
  deviceId: '0197a1c0-8a3e-7c11-9a50-3f1d2b7c9e10',
  tripId: '0197a1c4-1b2d-7f05-8e61-5a9c0d3e7b22',
  tripStartMs: 1_750_320_000_000,
  pickup: { lat: 43.7347, lng: 7.4206 },
  dropoff: { lat: 43.7392, lng: 7.4277 },
} as const;
