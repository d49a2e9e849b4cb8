/** The environment in which browsers are searched for and started. */
export const browserEnvironment = Object.fromEntries(
  Object.entries(process.env).filter(([, value]) => value !== undefined),
) as Readonly<Record<string, string>>;
