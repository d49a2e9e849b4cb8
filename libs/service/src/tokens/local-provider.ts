/** The provider that the simulated city and replayed traces belong to. */
export const LOCAL_PROVIDER_ID = '0197a1c0-6d1f-7000-8000-000000000001';
