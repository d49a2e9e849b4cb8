import { topicSetting, type BrokerConfig } from '../../config/config.js';
import type { TopicSetting } from '../../config/settings/topic-settings.js';
import type { LogSettings } from '../partition/log-segments.js';

/** A topic. Its settings object is replaced when they change. */
interface Owner {
  readonly settings: Readonly<Record<string, string>>;
}

/** Parsed settings, and the settings they were parsed from. */
interface Known {
  readonly own: Owner['settings'];
  readonly altered: BrokerConfig['altered'];
  readonly texts: Map<TopicSetting, string>;
  log: LogSettings | undefined;
}

/** Cache of the topic settings, which are parsed again when those of the topic or the broker change. */
export class SettingsInUse {
  private readonly topics = new WeakMap<Owner, Known>();

  constructor(private readonly config: BrokerConfig) {}

  /** The value of a setting for a topic. */
  text(topic: Owner, name: TopicSetting): string {
    const { texts } = this.known(topic);
    let text = texts.get(name);
    if (text === undefined) {
      text = topicSetting(this.config, topic.settings, name);
      texts.set(name, text);
    }
    return text;
  }

  /** The settings of the partitions of a topic. */
  log(topic: Owner): LogSettings {
    const known = this.known(topic);
    known.log ??= this.readLogSettings(topic);
    return known.log;
  }

  private known(topic: Owner): Known {
    const { altered } = this.config;
    let known = this.topics.get(topic);
    if (known === undefined || known.own !== topic.settings || known.altered !== altered) {
      known = { own: topic.settings, altered, texts: new Map(), log: undefined };
      this.topics.set(topic, known);
    }
    return known;
  }

  private readLogSettings(topic: Owner): LogSettings {
    const number = (name: TopicSetting) => Number(this.text(topic, name));
    const compacts = this.text(topic, 'cleanup.policy').includes('compact');
    const maxCompactionLagMs = number('max.compaction.lag.ms');
    return {
      segmentBytes: number('segment.bytes'),
      segmentMs: compacts ? Math.min(number('segment.ms'), maxCompactionLagMs) : number('segment.ms'),
      retentionBytes: number('retention.bytes'),
      retentionMs: number('retention.ms'),
      flushMessages: number('flush.messages'),
      flushMs: number('flush.ms'),
      timestampType: this.text(topic, 'message.timestamp.type') as LogSettings['timestampType'],
      compacts,
      minCompactionLagMs: number('min.compaction.lag.ms'),
      maxCompactionLagMs,
      minCleanableRatio: number('min.cleanable.dirty.ratio'),
      deleteRetentionMs: number('delete.retention.ms'),
      dedupeBufferBytes: this.config.number('log.cleaner.dedupe.buffer.size'),
      deletesOldSegments: this.text(topic, 'cleanup.policy').includes('delete'),
    };
  }
}
