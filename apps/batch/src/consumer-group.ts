/** The group that the dead letters of loads name. */
export const CONSUMER_GROUP = 'hailstream-batch';
