/** The provider of the simulated city and of replayed traces. */
export const LOCAL_PROVIDER_ID = '0197a1c0-6d1f-7000-8000-000000000001';
