import {
  BROKER_SETTINGS,
  checkSetting,
  SettingError,
  TOPIC_SETTINGS,
  type BrokerSetting,
  type SettingDefinition,
  type TopicSetting,
} from './settings.js';

/** Where a value comes from, with Kafka's numbers. */
export const ConfigSource = {
  TOPIC: 1,
  DYNAMIC_BROKER: 2,
  STATIC_BROKER: 4,
  DEFAULT: 5,
} as const;

export interface ConfigEntry {
  readonly name: string;
  readonly value: string;
  readonly source: number;
  readonly type: SettingDefinition['type'];
  readonly readOnly: boolean;
}

/** The broker's settings: defaults, what it was started with, and what was altered since. */
export class BrokerConfig {
  private dynamic: Readonly<Record<string, string>> = {};

  /** @throws SettingError where a setting is unknown or has a value it can't have */
  constructor(private readonly given: Readonly<Record<string, string>> = {}) {
    for (const [name, value] of Object.entries(given)) checkBrokerSetting(name, value);
  }

  text(name: BrokerSetting): string {
    const definition: SettingDefinition = BROKER_SETTINGS[name];
    return this.dynamic[name] ?? this.given[name] ?? definition.default;
  }

  number(name: BrokerSetting): number {
    return Number(this.text(name));
  }

  boolean(name: BrokerSetting): boolean {
    return this.text(name) === 'true';
  }

  /** Settings altered while running. */
  get altered(): Readonly<Record<string, string>> {
    return this.dynamic;
  }

  /** Replaces what was altered while running. @throws SettingError */
  alter(settings: Readonly<Record<string, string>>): void {
    this.checkAltered(settings);
    this.dynamic = settings;
  }

  /** @throws SettingError where these can't be altered so while the broker runs */
  checkAltered(settings: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(settings)) {
      checkBrokerSetting(name, value);
      const definition: SettingDefinition = BROKER_SETTINGS[name as BrokerSetting];
      if (definition.readOnly) throw new SettingError(`${name} can't be altered while the broker runs`);
    }
  }

  entries(): ConfigEntry[] {
    return (Object.keys(BROKER_SETTINGS) as BrokerSetting[]).map((name) => {
      const definition: SettingDefinition = BROKER_SETTINGS[name];
      return {
        name,
        value: this.text(name),
        source: this.sourceOf(name),
        type: definition.type,
        readOnly: definition.readOnly ?? false,
      };
    });
  }

  private sourceOf(name: string): number {
    if (name in this.dynamic) return ConfigSource.DYNAMIC_BROKER;
    return name in this.given ? ConfigSource.STATIC_BROKER : ConfigSource.DEFAULT;
  }

  /** What a topic's setting is where the topic does not say. */
  topicDefault(name: TopicSetting): { value: string; source: number } {
    if (name === 'retention.ms') return this.retention();
    const { broker } = TOPIC_SETTINGS[name];
    return { value: this.text(broker), source: this.sourceOf(broker) };
  }

  /** Milliseconds win over minutes, minutes over hours, as in Kafka. */
  private retention(): { value: string; source: number } {
    for (const [name, factor] of RETENTION_UNITS) {
      const value = this.text(name);
      if (value === '') continue;
      const ms = Number(value) < 0 ? -1 : Number(value) * factor;
      return { value: String(ms), source: this.sourceOf(name) };
    }
    return { value: '-1', source: ConfigSource.DEFAULT };
  }
}

const RETENTION_UNITS = [
  ['log.retention.ms', 1],
  ['log.retention.minutes', 60_000],
  ['log.retention.hours', 3_600_000],
] as const;

function checkBrokerSetting(name: string, value: string): void {
  const definition: SettingDefinition | undefined = BROKER_SETTINGS[name as BrokerSetting];
  if (definition === undefined) throw new SettingError(`${name} is not a setting of this broker`);
  if (value !== '' || definition.default !== '') checkSetting(name, definition, value);
}

/** @throws SettingError where a topic's setting is unknown or has a value it can't have */
export function checkTopicSettings(settings: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(settings)) {
    const definition = TOPIC_SETTINGS[name as TopicSetting];
    if (definition === undefined) throw new SettingError(`${name} is not a setting of a topic`);
    checkSetting(name, definition, value);
  }
}

/** A topic's value of a setting: its own, else the broker's. */
export function topicSetting(
  broker: BrokerConfig,
  own: Readonly<Record<string, string>>,
  name: TopicSetting,
): string {
  return own[name] ?? broker.topicDefault(name).value;
}

/** Every setting of a topic, with where it comes from. */
export function topicEntries(broker: BrokerConfig, own: Readonly<Record<string, string>>): ConfigEntry[] {
  return (Object.keys(TOPIC_SETTINGS) as TopicSetting[]).map((name) => {
    const mine = own[name];
    const { value, source } =
      mine === undefined ? broker.topicDefault(name) : { value: mine, source: ConfigSource.TOPIC };
    return { name, value, source, type: TOPIC_SETTINGS[name].type, readOnly: false };
  });
}
