/** Injects `readonly AlertRule[]`: those of the rule file. */
export const ALERT_RULES = Symbol('AlertRules');
