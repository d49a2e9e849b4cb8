import { GROUP_SETTINGS } from './group-settings.js';
import { LOG_SETTINGS } from './log-settings.js';
import { NODE_SETTINGS } from './node-settings.js';
import { PRODUCER_SETTINGS } from './producer-settings.js';
import type { SettingDefinition } from './settings.js';

/** The supported settings of the broker, with their defaults. */
export const BROKER_SETTINGS = {
  ...NODE_SETTINGS,
  ...LOG_SETTINGS,
  ...GROUP_SETTINGS,
  ...PRODUCER_SETTINGS,
} as const satisfies Record<string, SettingDefinition>;

export type BrokerSetting = keyof typeof BROKER_SETTINGS;
