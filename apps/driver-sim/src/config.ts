import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { authEnv, ConfigError, Env, httpEnv, readEnv, toAuth } from '@hailstream/service/config';
import { LOCAL_PROVIDER_ID, type AuthOptions } from '@hailstream/service/tokens';
import Type from 'typebox';
import { CityFileError, readCityFile, type CityFile } from '@hailstream/events/city-file';

const DEFAULT_CITY_FILE = fileURLToPath(new URL('../../../cities/monaco.geojson', import.meta.url));
const DEFAULT_PORT = 4003;
const MAX_VEHICLES = 20_000;

/** Address of ingest, and the provider whose events are sent. */
const ingestEnv = {
  INGEST_URL: Env.Url(['http', 'https'], { default: 'http://127.0.0.1:4000' }),
  INGEST_TOKEN: Type.Optional(Env.Secret()),
  PROVIDER_ID: Env.Uuid({ default: LOCAL_PROVIDER_ID }),
};

const driverSimEnv = Type.Object({
  ...httpEnv(DEFAULT_PORT),
  ...authEnv,
  ...ingestEnv,
  CITY_FILE: Type.Optional(Env.List({ description: 'city files, separated by commas' })),
  SIM_VEHICLES: Env.Int({ default: 250, minimum: 1, maximum: MAX_VEHICLES }),
  SIM_SEED: Type.String({ default: 'hailstream' }),
});

export interface IngestConfig {
  readonly url: URL;
  readonly token: string | undefined;
  /** The file that the token was read from, which may be replaced; `undefined` if it was not read from a file. */
  readonly tokenFile: string | undefined;
  readonly providerId: string;
}

export interface ReplayConfig {
  readonly ingest: IngestConfig;
}

export interface DriverSimConfig {
  readonly http: { readonly host: string; readonly port: number; readonly logLevel: string };
  /** The `AUTH_*` settings of ingest, if they are known here. */
  readonly auth: AuthOptions;
  readonly ingest: IngestConfig;
  /** At least one. */
  readonly cities: readonly CityFile[];
  readonly vehicles: number;
  readonly seed: string;
}

/** @throws ConfigError if a variable is invalid; it names all of them */
export function loadReplayConfig(env: NodeJS.ProcessEnv): ReplayConfig {
  return { ingest: toIngest(readEnv(Type.Object(ingestEnv), env), env) };
}

/**
 * `--vehicles`, `--seed` and `--city`, which can be repeated, override the environment.
 *
 * @throws ConfigError if a variable is invalid; it names all of them
 */
export function loadDriverSimConfig(env: NodeJS.ProcessEnv, args: readonly string[]): DriverSimConfig {
  const values = readEnv(driverSimEnv, { ...env, ...argsAsEnv(args) });
  return Object.freeze({
    http: { host: values.HOST, port: values.PORT, logLevel: values.LOG_LEVEL },
    // It serves health checks and metrics only. A token shows that the services require authentication.
    auth: toAuth(values.INGEST_TOKEN === undefined ? values : { ...values, HOST: '127.0.0.1' }),
    ingest: toIngest(values, env),
    cities: (values.CITY_FILE ?? [DEFAULT_CITY_FILE]).map(toCity),
    vehicles: values.SIM_VEHICLES,
    seed: values.SIM_SEED,
  });
}

function argsAsEnv(args: readonly string[]): NodeJS.ProcessEnv {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        vehicles: { type: 'string' },
        seed: { type: 'string' },
        city: { type: 'string', multiple: true },
      },
    });
    return {
      ...(values.vehicles !== undefined && { SIM_VEHICLES: values.vehicles }),
      ...(values.seed !== undefined && { SIM_SEED: values.seed }),
      ...(values.city !== undefined && { CITY_FILE: values.city.join(',') }),
    };
  } catch (error) {
    const reason = firstSentence(error);
    throw new ConfigError([
      { variable: 'arguments', expected: '--vehicles N, --seed TEXT, --city FILE', got: reason },
    ]);
  }
}

function toIngest(values: Type.Static<Type.TObject<typeof ingestEnv>>, env: NodeJS.ProcessEnv): IngestConfig {
  return {
    url: new URL(values.INGEST_URL),
    token: values.INGEST_TOKEN,
    tokenFile: env['INGEST_TOKEN_FILE']?.trim() || undefined,
    providerId: values.PROVIDER_ID,
  };
}

function toCity(path: string): CityFile {
  try {
    return readCityFile(path);
  } catch (error) {
    if (!(error instanceof CityFileError)) throw error;
    throw new ConfigError([
      { variable: 'CITY_FILE', expected: 'a city file in GeoJSON', got: error.message },
    ]);
  }
}

/** Returns the first sentence of an error of `parseArgs`, without the advice that follows. */
export function firstSentence(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split(/\.?(?:\s*\n|\. |$)/)[0]!;
}
