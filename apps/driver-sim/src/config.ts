import { Env, LOCAL_PROVIDER_ID, readEnv } from '@hailstream/nest';
import Type from 'typebox';

/** Where devices send their events, and as whose. */
const ingestEnv = {
  INGEST_URL: Env.Url(['http', 'https'], { default: 'http://127.0.0.1:4000' }),
  INGEST_TOKEN: Type.Optional(Env.Secret()),
  PROVIDER_ID: Env.Uuid({ default: LOCAL_PROVIDER_ID }),
};

export interface IngestConfig {
  readonly url: URL;
  readonly token: string | undefined;
  readonly providerId: string;
}

export interface ReplayConfig {
  readonly ingest: IngestConfig;
}

/** @throws {ConfigError} naming every variable that is wrong */
export function loadReplayConfig(env: NodeJS.ProcessEnv): ReplayConfig {
  return { ingest: toIngest(readEnv(Type.Object(ingestEnv), env)) };
}

function toIngest(env: Type.Static<Type.TObject<typeof ingestEnv>>): IngestConfig {
  return { url: new URL(env.INGEST_URL), token: env.INGEST_TOKEN, providerId: env.PROVIDER_ID };
}
