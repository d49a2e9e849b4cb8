import { fileURLToPath } from 'node:url';
import type { LogConnection, TopicPolicy } from '@hailstream/log';
import {
  authEnv,
  ConfigError,
  Env,
  httpEnv,
  logEnv,
  readEnv,
  toAuth,
  toLogConnection,
  toTopicPolicy,
  type LogLevel,
} from '@hailstream/service/config';
import type { PageCommands } from '@hailstream/events/live';
import type { AuthOptions } from '@hailstream/service/tokens';
import Type from 'typebox';
import { readRuleFile, type AlertRule } from './alert-rules/rule-file.js';
import type { HistoryLimits } from './limits/history-limits.js';
import type { HistoryOptions } from './keyframes/keyframes.service.js';
import type { LiveLimits } from './limits/live-limits.js';
import { PROVIDER_LIMITS, type ProviderLimits } from './limits/provider-limits.js';
import { toOrigin } from '@hailstream/service/same-origin';
import { SIGN_IN_PATH, toOidc, type OidcOptions } from './oidc/oidc-options.js';
import type { SessionOptions } from './sessions/session-options.js';
import { readZoneFile } from './geofences/zone-file.js';
import type { Zone } from './geofences/zone.js';

const HOUR_MS = 3_600_000;

/** The root of the repository, from this file or its compiled version. */
const root = new URL('../../../', import.meta.url);

/** What lists of origins are expected to have. */
const ORIGINS = 'origins such as https://map.example, without a path, separated by commas';

const realtimeEnv = Type.Object({
  ...httpEnv(4001),
  ...logEnv,
  ...authEnv,
  CITY_FILE: Type.Optional(Env.List({ description: 'city files, separated by commas' })),
  MAP_STYLE_URL: Type.Optional(Env.Url()),
  MAP_STYLE_ORIGINS: Type.Optional(Env.List({ description: ORIGINS })),
  REALTIME_TICK_MS: Env.Duration({ default: 500, minimum: 50, maximum: 10_000 }),
  REALTIME_REBUILD_MS: Env.Duration({ default: HOUR_MS, maximum: 168 * HOUR_MS }),
  REALTIME_HISTORY_DIR: Type.Optional(Type.String()),
  REALTIME_HISTORY_BYTES: Env.Int({ default: 1_073_741_824, minimum: 1_048_576 }),
  REALTIME_HISTORY_MS: Env.Duration({ default: 24 * HOUR_MS, minimum: 0, maximum: 168 * HOUR_MS }),
  REALTIME_KEYFRAME_MS: Env.Duration({ default: 60_000, minimum: 1_000, maximum: HOUR_MS }),
  REALTIME_HISTORY_SESSIONS: Env.Int({ default: 8, minimum: 1, maximum: 1_000 }),
  REALTIME_HISTORY_IDLE_MS: Env.Duration({ default: HOUR_MS / 4, minimum: 1_000, maximum: 24 * HOUR_MS }),
  REALTIME_HISTORY_HEAP_MB: Env.Int({ default: 512, minimum: 16, maximum: 65_536 }),
  REALTIME_SOCKETS: Env.Int({ default: 5_000, minimum: 1 }),
  REALTIME_HANDSHAKES_PER_TICK: Env.Int({ default: 200, minimum: 1 }),
  REALTIME_SNAPSHOTS_PER_TICK: Env.Int({ default: 200, minimum: 1 }),
  REALTIME_RESUME_DEPARTURES: Env.Int({ default: 200_000, minimum: 0, maximum: 10_000_000 }),
  REALTIME_BACKLOG_BYTES: Env.Int({ default: 268_435_456, minimum: 4_194_304 }),
  REALTIME_TOKEN_SOCKETS: Env.Int({ default: 1_000, minimum: 1 }),
  REALTIME_TOKEN_VIEWPORTS_PER_SECOND: Env.Int({ default: 1_000, minimum: 1 }),
  REALTIME_TOKEN_WATCHES_PER_SECOND: Env.Int({ default: 500, minimum: 1 }),
  REALTIME_TOKEN_HISTORY_SESSIONS: Env.Int({ default: 4, minimum: 1, maximum: 1_000 }),
  REALTIME_PROVIDER_VEHICLES: Env.Int({ default: PROVIDER_LIMITS.vehicles, minimum: 1, maximum: 1_000_000 }),
  REALTIME_PROVIDER_TRIPS: Env.Int({ default: PROVIDER_LIMITS.trips, minimum: 1, maximum: 1_000_000 }),
  REALTIME_VEHICLES_KEPT_MS: Env.Duration({
    default: PROVIDER_LIMITS.vehiclesKeptMs,
    minimum: 49 * HOUR_MS,
    maximum: 8_760 * HOUR_MS,
  }),
  REALTIME_SESSION_MS: Env.Duration({ default: 168 * HOUR_MS, minimum: 60_000, maximum: 720 * HOUR_MS }),
  AUTH_OIDC_ISSUER: Type.Optional(Env.Url()),
  AUTH_OIDC_CLIENT_ID: Type.Optional(Type.String()),
  AUTH_OIDC_CLIENT_SECRET: Type.Optional(Env.Secret()),
  AUTH_OIDC_SCOPE: Type.String({ default: 'openid profile' }),
  AUTH_SESSION_SECRET: Type.Optional(Env.Secret({ minLength: 32 })),
  REALTIME_BATCH_URL: Type.Optional(Env.Url()),
  REALTIME_PUBLIC_URL: Type.Optional(Env.Url()),
  REALTIME_ALLOWED_ORIGINS: Type.Optional(Env.List({ description: ORIGINS })),
  REALTIME_FRAME_ANCESTORS: Type.Optional(Env.List({ description: ORIGINS })),
  REALTIME_ZONES: Type.Optional(Type.String()),
  REALTIME_ALERTS: Type.Optional(Type.String()),
  REALTIME_SIGN_IN_COMMAND: Type.Optional(Type.String()),
  REALTIME_REPLAY_COMMAND: Type.Optional(Type.String()),
  REALTIME_PAGE_DIR: Type.String({ default: fileURLToPath(new URL('apps/dashboard/dist', root)) }),
});

export interface RealtimeConfig {
  readonly logLevel: LogLevel;
  readonly http: { readonly host: string; readonly port: number };
  readonly auth: AuthOptions;
  readonly sessions: SessionOptions;
  /** How users sign in with an identity provider; `null` if none is configured. */
  readonly oidc: OidcOptions | null;
  readonly log: {
    readonly connection: LogConnection;
    readonly topicPolicy: TopicPolicy;
    /** How far back the log is read at start, by receipt time. */
    readonly rebuildMs: number;
  };
  readonly page: {
    /** Folder of the built page. */
    readonly directory: string;
    /** At least one. */
    readonly cityFiles: readonly string[];
    readonly mapStyleUrl: string | null;
    /** Origins other than that of the style that its tiles, glyphs and sprites are loaded from. */
    readonly mapStyleOrigins: readonly string[];
    /** Origins of the pages that may show this one in a frame. */
    readonly frameAncestors: readonly string[];
    /** Public URL of the page. */
    readonly publicUrl: string;
    /** Origins of other pages that may open a WebSocket, in the form that browsers send. */
    readonly allowedOrigins: readonly string[];
    readonly commands: PageCommands;
  };
  readonly history: HistoryOptions & { readonly limits: HistoryLimits };
  readonly live: LiveLimits;
  readonly vehicles: ProviderLimits;
  readonly zones: readonly Zone[];
  readonly alertRules: readonly AlertRule[];
  /** URL of batch, which has the reports; `null` if it is not configured. */
  readonly batchUrl: string | null;
  /** Interval between frames. */
  readonly tickMs: number;
}

/**
 * @throws ConfigError if a variable is invalid; it names all of them. ZoneFileError or RuleFileError if the zones or the alert
 * rules are not valid
 */
export function loadConfig(environment: NodeJS.ProcessEnv = process.env): RealtimeConfig {
  const env = readEnv(realtimeEnv, environment);
  const auth = toAuth(env);
  const publicUrl = env.REALTIME_PUBLIC_URL ?? `http://127.0.0.1:${env.PORT}`;
  const oidc = toOidc(env, auth, publicUrl);
  return Object.freeze({
    logLevel: env.LOG_LEVEL,
    http: { host: env.HOST, port: env.PORT },
    auth,
    sessions: { auth, secret: env.AUTH_SESSION_SECRET ?? null, sessionMs: env.REALTIME_SESSION_MS },
    oidc,
    log: {
      connection: toLogConnection(env, { clientId: 'realtime' }),
      topicPolicy: toTopicPolicy(env),
      rebuildMs: env.REALTIME_REBUILD_MS,
    },
    page: {
      directory: env.REALTIME_PAGE_DIR,
      cityFiles: env.CITY_FILE ?? [fileURLToPath(new URL('cities/monaco.geojson', root))],
      mapStyleUrl: env.MAP_STYLE_URL ?? null,
      mapStyleOrigins: listedOrigins('MAP_STYLE_ORIGINS', env.MAP_STYLE_ORIGINS),
      frameAncestors: listedOrigins('REALTIME_FRAME_ANCESTORS', env.REALTIME_FRAME_ANCESTORS),
      allowedOrigins: allowedOrigins(env),
      publicUrl,
      commands: {
        signIn: env.REALTIME_SIGN_IN_COMMAND ?? null,
        replay: env.REALTIME_REPLAY_COMMAND ?? null,
        signInWith:
          oidc === null
            ? null
            : { name: new URL(oidc.issuer).host, url: new URL(SIGN_IN_PATH, publicUrl).href },
      },
    },
    history: {
      folder: env.REALTIME_HISTORY_DIR ?? null,
      maxBytes: env.REALTIME_HISTORY_BYTES,
      everyMs: env.REALTIME_KEYFRAME_MS,
      readBackMs: env.REALTIME_HISTORY_MS,
      limits: {
        sessions: env.REALTIME_HISTORY_SESSIONS,
        sessionsPerToken: env.REALTIME_TOKEN_HISTORY_SESSIONS,
        idleMs: env.REALTIME_HISTORY_IDLE_MS,
        heapMb: env.REALTIME_HISTORY_HEAP_MB,
      },
    },
    live: {
      sockets: env.REALTIME_SOCKETS,
      socketsPerToken: env.REALTIME_TOKEN_SOCKETS,
      viewportsPerSecond: env.REALTIME_TOKEN_VIEWPORTS_PER_SECOND,
      watchesPerSecond: env.REALTIME_TOKEN_WATCHES_PER_SECOND,
      handshakesPerTick: env.REALTIME_HANDSHAKES_PER_TICK,
      snapshotsPerTick: env.REALTIME_SNAPSHOTS_PER_TICK,
      resumeDepartures: env.REALTIME_RESUME_DEPARTURES,
      backlogBytes: env.REALTIME_BACKLOG_BYTES,
    },
    vehicles: providerLimits(env),
    zones: env.REALTIME_ZONES === undefined ? [] : readZoneFile(env.REALTIME_ZONES),
    alertRules: env.REALTIME_ALERTS === undefined ? [] : readRuleFile(env.REALTIME_ALERTS),
    batchUrl: env.REALTIME_BATCH_URL ?? null,
    tickMs: env.REALTIME_TICK_MS,
  });
}

/** Events of the history must not be of before the silence of a vehicle that was dropped. @throws ConfigError if they may be */
function providerLimits(env: Type.Static<typeof realtimeEnv>): ProviderLimits {
  const { REALTIME_VEHICLES_KEPT_MS: vehiclesKeptMs, REALTIME_HISTORY_MS: historyMs } = env;
  if (vehiclesKeptMs < historyMs) {
    const expected = `at least REALTIME_HISTORY_MS, which is ${historyMs}`;
    throw new ConfigError([{ variable: 'REALTIME_VEHICLES_KEPT_MS', expected, got: String(vehiclesKeptMs) }]);
  }
  return { vehicles: env.REALTIME_PROVIDER_VEHICLES, vehiclesKeptMs, trips: env.REALTIME_PROVIDER_TRIPS };
}

/** The origin of the public URL and the listed origins. */
function allowedOrigins({
  REALTIME_ALLOWED_ORIGINS: listed,
  REALTIME_PUBLIC_URL: publicUrl,
}: Type.Static<typeof realtimeEnv>): string[] {
  const own = publicUrl !== undefined && URL.canParse(publicUrl) ? [new URL(publicUrl).origin] : [];
  return [...own, ...listedOrigins('REALTIME_ALLOWED_ORIGINS', listed)];
}

/** The origins of a list, in the form that browsers send. @throws ConfigError if one is not an origin */
function listedOrigins(variable: string, listed: readonly string[] = []): string[] {
  const origins = listed.map((text) => ({ text, origin: toOrigin(text) }));
  const wrong = origins.filter(({ origin }) => origin === undefined);
  if (wrong.length > 0) {
    const got = JSON.stringify(wrong.map(({ text }) => text).join(','));
    throw new ConfigError([{ variable, expected: ORIGINS, got }]);
  }
  return origins.flatMap(({ origin }) => origin ?? []);
}
