import { BROKER_SETTINGS, type BrokerSetting } from './settings/broker-settings.js';
import { nearestSetting, whyForeign } from './settings/foreign-settings.js';
import { checkSetting, SettingError, type SettingDefinition } from './settings/settings.js';
import { TOPIC_SETTINGS, type TopicSetting, type TopicSettingDefinition } from './settings/topic-settings.js';

/** Sources of a value, with Kafka's codes. */
export const ConfigSource = {
  TOPIC: 1,
  DYNAMIC_BROKER: 2,
  DYNAMIC_DEFAULT_BROKER: 3,
  STATIC_BROKER: 4,
  DEFAULT: 5,
} as const;

/** A value and its source. */
interface ConfigLayer {
  readonly name: string;
  readonly value: string;
  readonly source: number;
}

export interface ConfigEntry extends ConfigLayer {
  readonly type: SettingDefinition['type'];
  readonly readOnly: boolean;
  readonly about: string;
  /** All configured values, the effective one first. */
  readonly layers: readonly ConfigLayer[];
}

type Settings = Readonly<Record<string, string>>;

/** Settings altered at run time: of this broker, and of all brokers. */
export interface AlteredSettings {
  readonly own: Settings;
  readonly all: Settings;
}

/** The settings of the broker: defaults, settings at start, and those altered at run time. */
export class BrokerConfig {
  private dynamic: AlteredSettings = { own: {}, all: {} };
  private readonly settled: Record<string, string> = {};
  private readonly given: Settings;
  /** Settings of Kafka that have no effect here, with the reason. */
  readonly withoutEffect: Settings;

  /** @throws SettingError with one line for each unknown setting or invalid value */
  constructor(given: Settings = {}) {
    const accepted: Record<string, string> = {};
    const withoutEffect: Record<string, string> = {};
    const problems: string[] = [];
    for (const [name, value] of Object.entries(given)) {
      const foreign = isBrokerSetting(name) ? undefined : whyForeign(name);
      if (foreign?.withoutEffect) {
        withoutEffect[name] = foreign.because;
        continue;
      }
      try {
        checkBrokerSetting(name, value);
        accepted[name] = value;
      } catch (error) {
        if (!(error instanceof SettingError)) throw error;
        problems.push(error.message);
      }
    }
    if (problems.length > 0) throw new SettingError(problems.join('\n'));
    this.given = accepted;
    this.withoutEffect = withoutEffect;
  }

  text(name: BrokerSetting): string {
    const { own, all } = this.dynamic;
    return own[name] ?? all[name] ?? this.settled[name] ?? this.given[name] ?? BROKER_SETTINGS[name].default;
  }

  /** Sets the effective value of a read-only setting that depends on others, or is known once the broker runs. */
  settle(name: BrokerSetting, value: string): void {
    this.settled[name] = value;
  }

  number(name: BrokerSetting): number {
    return Number(this.text(name));
  }

  boolean(name: BrokerSetting): boolean {
    return this.text(name) === 'true';
  }

  /** Whether the setting was given at start. */
  wasGiven(name: BrokerSetting): boolean {
    return name in this.given;
  }

  get altered(): AlteredSettings {
    return this.dynamic;
  }

  /** Replaces the settings that were altered at run time. @throws SettingError if one is invalid */
  alter(settings: AlteredSettings): void {
    this.checkAltered(settings.own);
    this.checkAltered(settings.all);
    this.dynamic = settings;
  }

  /** @throws SettingError if a setting cannot be altered at run time, or a value is invalid */
  checkAltered(settings: Settings): void {
    for (const [name, value] of Object.entries(settings)) {
      checkBrokerSetting(name, value);
      const definition: SettingDefinition = BROKER_SETTINGS[name as BrokerSetting];
      if (definition.readOnly) throw new SettingError(`${name} cannot be altered at run time`);
    }
  }

  entries(): ConfigEntry[] {
    return (Object.keys(BROKER_SETTINGS) as BrokerSetting[]).map((name) => {
      const { type, readOnly = false, about }: SettingDefinition = BROKER_SETTINGS[name];
      const layers = this.layersOf(name);
      const source = layers[0]?.source ?? ConfigSource.DEFAULT;
      return { name, value: this.text(name), source, layers, type, readOnly, about };
    });
  }

  /** All values of a setting, the effective one first, the default last. */
  layersOf(name: BrokerSetting): ConfigLayer[] {
    const { own, all } = this.dynamic;
    const layers = [
      { value: own[name], source: ConfigSource.DYNAMIC_BROKER },
      { value: all[name], source: ConfigSource.DYNAMIC_DEFAULT_BROKER },
      { value: this.given[name], source: ConfigSource.STATIC_BROKER },
      { value: BROKER_SETTINGS[name].default as string, source: ConfigSource.DEFAULT },
    ];
    return layers.flatMap(({ value, source }) => (value === undefined ? [] : [{ name, value, source }]));
  }

  /** The default of a topic setting. */
  topicDefault(name: TopicSetting): string {
    const definition: TopicSettingDefinition = TOPIC_SETTINGS[name];
    if ('default' in definition) return definition.default;
    for (const [broker, factor] of UNITS[name] ?? []) {
      const value = this.text(broker);
      if (value !== '') return inMilliseconds(value, factor);
    }
    return this.text(definition.broker);
  }

  /** The broker values for a topic setting, the effective one first. */
  layersBehind(name: TopicSetting): ConfigLayer[] {
    const definition: TopicSettingDefinition = TOPIC_SETTINGS[name];
    if ('default' in definition) return [{ name, value: definition.default, source: ConfigSource.DEFAULT }];
    const names = UNITS[name]?.map(([broker]) => broker) ?? [definition.broker];
    return names.flatMap((broker) => this.layersOf(broker)).filter(({ value }) => value !== '');
  }
}

/** Durations with settings in several units: the finer unit takes precedence, as in Kafka. */
const UNITS: Partial<Record<TopicSetting, readonly (readonly [BrokerSetting, number])[]>> = {
  'retention.ms': [
    ['log.retention.ms', 1],
    ['log.retention.minutes', 60_000],
    ['log.retention.hours', 3_600_000],
  ],
  'segment.ms': [
    ['log.roll.ms', 1],
    ['log.roll.hours', 3_600_000],
  ],
};

function inMilliseconds(value: string, factor: number): string {
  if (factor === 1) return value;
  return Number(value) < 0 ? '-1' : String(Number(value) * factor);
}

function isBrokerSetting(name: string): name is BrokerSetting {
  return Object.hasOwn(BROKER_SETTINGS, name);
}

function checkBrokerSetting(name: string, value: string): void {
  if (!isBrokerSetting(name)) throw new SettingError(unknownSetting(name));
  const definition: SettingDefinition = BROKER_SETTINGS[name];
  if (value !== '' || definition.default !== '') checkSetting(name, definition, value);
}

function unknownSetting(name: string): string {
  const foreign = whyForeign(name);
  if (foreign !== undefined) return `${name} is not supported: ${foreign.because}`;
  const meant = nearestSetting(name);
  const hint = meant === undefined ? '' : `: did you mean ${meant}?`;
  return `unknown setting ${name}${hint}`;
}

/** @throws SettingError if a setting is unknown or a value is invalid */
export function checkTopicSettings(settings: Settings): void {
  for (const [name, value] of Object.entries(settings)) {
    if (!Object.hasOwn(TOPIC_SETTINGS, name)) throw new SettingError(`Unknown topic config name: ${name}`);
    checkSetting(name, TOPIC_SETTINGS[name as TopicSetting], value);
  }
}

/** The value of a setting for a topic: its own, or that of the broker. */
export function topicSetting(broker: BrokerConfig, own: Settings, name: TopicSetting): string {
  return own[name] ?? broker.topicDefault(name);
}

/** All settings of a topic, with their sources. */
export function topicEntries(broker: BrokerConfig, own: Settings): ConfigEntry[] {
  return (Object.keys(TOPIC_SETTINGS) as TopicSetting[]).map((name) => {
    const definition: TopicSettingDefinition = TOPIC_SETTINGS[name];
    const ownValue = own[name];
    const behind = broker.layersBehind(name);
    const layers =
      ownValue === undefined ? behind : [{ name, value: ownValue, source: ConfigSource.TOPIC }, ...behind];
    return {
      name,
      value: ownValue ?? broker.topicDefault(name),
      source: layers[0]?.source ?? ConfigSource.DEFAULT,
      type: definition.type,
      readOnly: false,
      about: aboutTopicSetting(definition),
      layers,
    };
  });
}

/** Description of a topic setting. */
function aboutTopicSetting(definition: TopicSettingDefinition): string {
  return 'broker' in definition ? BROKER_SETTINGS[definition.broker].about : definition.about;
}
