import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { read } from './repository-files.js';
import { BATCH_ALLOCATOR_VARIABLES } from './src/processes/allocator-variables.js';
import { INGEST_V8_OPTIONS } from './src/processes/v8-options.js';

/** Checks the manifests of each service. Their schema is checked by kubeconform. */

interface Container {
  readonly name: string;
  readonly image: string;
  readonly command: readonly string[];
  readonly ports?: readonly { readonly containerPort: number }[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly envFrom: readonly Readonly<Record<string, { readonly name: string }>>[];
  readonly resources: { readonly requests: object; readonly limits: object };
  readonly securityContext: object;
  readonly readinessProbe?: object;
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly rules?: readonly {
      readonly host: string;
      readonly http: {
        readonly paths: readonly {
          readonly path: string;
          readonly pathType: string;
          readonly backend: { readonly service: { readonly name: string } };
        }[];
      };
    }[];
    readonly podSelector?: object;
    readonly policyTypes?: readonly string[];
    readonly ingress?: readonly {
      readonly from?: readonly { readonly namespaceSelector?: object }[];
      readonly ports?: readonly object[];
    }[];
    readonly template?: {
      readonly spec: {
        readonly containers: readonly [Container];
        readonly securityContext: object;
        readonly terminationGracePeriodSeconds?: number;
      };
    };
  };
}

/** The base, and the one with the router. */
const folders = ['deploy/kubernetes', 'deploy/kubernetes/router'];
const manifests = folders.flatMap((folder) => {
  const { resources } = parse(read(`${folder}/kustomization.yaml`)) as { resources: string[] };
  return resources.flatMap((file) =>
    parseAllDocuments(read(`${folder}/${file}`)).map((document) => document.toJS() as Manifest),
  );
});
const named = (kind: string): string[] =>
  manifests.filter((it) => it.kind === kind).map(({ metadata }) => metadata.name);
const pods = manifests.flatMap(({ kind, metadata, spec }) =>
  spec.template ? [{ kind, name: metadata.name, pod: spec.template.spec }] : [],
);
const deployments = pods.filter(({ kind }) => kind === 'Deployment');

describe('deploy/kubernetes', () => {
  it('runs each service with a disruption budget, and exposes the HTTP services', () => {
    expect(named('Deployment')).toEqual(['ingest', 'realtime', 'batch', 'router']);
    expect(named('PodDisruptionBudget')).toEqual(['ingest', 'realtime', 'batch', 'router']);
    expect(named('Service')).toEqual(['ingest', 'realtime', 'batch', 'nowhere', 'router']);
    expect(named('NetworkPolicy')).toEqual(['ingest', 'realtime', 'batch', 'migrate', 'router']);
    expect(named('HorizontalPodAutoscaler')).toEqual(['ingest']);
    expect(named('ScaledObject')).toEqual(['batch']);
    expect(named('Job')).toEqual(['migrate']);
  });

  it.each(pods)('$name runs without privileges and requests resources', ({ pod }) => {
    const [container] = pod.containers;
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true });
    expect(container.securityContext).toMatchObject({
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(Object.keys(container.resources.requests)).toEqual(['cpu', 'memory']);
    expect(Object.keys(container.resources.limits)).toEqual(['memory']);
    expect(container.envFrom.map((source) => Object.keys(source)[0])).toEqual(['configMapRef', 'secretRef']);
  });

  it.each(deployments)('$name has a readiness probe on its port, and time to drain', ({ name, pod }) => {
    const [container] = pod.containers;
    const options = name === 'ingest' ? INGEST_V8_OPTIONS : [];
    expect(container.command).toEqual(['node', ...options, `apps/${name}/dist/main.js`]);
    const allocator = (container.env ?? []).filter((variable) => variable.name.startsWith('MALLOC_'));
    expect(Object.fromEntries(allocator.map((variable) => [variable.name, variable.value]))).toEqual(
      name === 'batch' ? BATCH_ALLOCATOR_VARIABLES : {},
    );
    const port = /httpEnv\((\d+)\)/.exec(read(`apps/${name}/src/config.ts`))?.[1];
    expect(container.ports?.map(({ containerPort }) => String(containerPort))).toEqual([port]);
    expect(container.readinessProbe).toMatchObject({ httpGet: { path: '/health/ready', port: 'http' } });
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(40);
  });

  it('exposes neither metrics nor health checks through the ingress', () => {
    const [ingress] = manifests.filter(({ kind }) => kind === 'Ingress');
    const rules = ingress?.spec.rules ?? [];
    expect(rules.map(({ host }) => host)).toEqual(['ingest.example', 'city.example']);
    for (const { http } of rules) {
      const targets = Object.fromEntries(http.paths.map((it) => [it.path, it.backend.service.name]));
      expect(http.paths.every(({ pathType }) => pathType === 'Prefix')).toBe(true);
      expect(targets).toMatchObject({ '/metrics': 'nowhere', '/health': 'nowhere' });
    }
    const nowhere = manifests.find(({ kind, metadata }) => kind === 'Service' && metadata.name === 'nowhere');
    expect(Object.keys(nowhere!.spec)).toEqual(['ports']);
  });

  it.each(pods)('$name accepts only connections that its network policy lists', ({ kind, name }) => {
    const policies = manifests.filter((it) => it.kind === 'NetworkPolicy' && it.metadata.name === name);
    expect(policies).toHaveLength(1);
    const { podSelector, policyTypes, ingress = [] } = policies[0]!.spec;
    expect(podSelector).toEqual({ matchLabels: { 'app.kubernetes.io/name': name } });
    expect(policyTypes).toContain('Ingress');
    // A rule without `from` or `ports` allows all of them.
    expect(ingress).toHaveLength(kind === 'Job' ? 0 : 1);
    for (const { from = [], ports } of ingress) {
      expect(from.length).toBeGreaterThan(0);
      expect(ports).toEqual([{ port: 'http' }]);
      const pages = from.filter(({ namespaceSelector }) =>
        JSON.stringify(namespaceSelector ?? {}).includes('ingress-nginx'),
      );
      expect(pages).toHaveLength(name === 'ingest' || name === 'realtime' ? 1 : 0);
    }
  });

  it('mounts the router file that ROUTER_CONFIG names', () => {
    const { configMapGenerator } = parse(read('deploy/kubernetes/router/kustomization.yaml')) as {
      configMapGenerator: { name: string; files: string[] }[];
    };
    const [{ name, files } = { name: '', files: [] }] = configMapGenerator;
    expect(files).toEqual(['router.yaml=jobs.yaml']);
    const manifest = read('deploy/kubernetes/router/router.yaml');
    expect(manifest).toContain(`configMap: { name: ${name} }`);
    expect(manifest).toContain('mountPath: /etc/hailstream,');
    expect(manifest).toContain('value: /etc/hailstream/router.yaml');
  });

  it('sets only known variables, and no secret', () => {
    const set = [...read('deploy/kubernetes/settings.env').matchAll(/^([A-Z_]+)=/gm)].map(
      ([, name]) => name!,
    );
    const known = new Set([...read('.env.example').matchAll(/^# ([A-Z_]+)=/gm)].map(([, name]) => name));
    expect(set.filter((name) => !known.has(name) || /SECRET|PASSWORD|TOKEN|DATABASE/.test(name))).toEqual([]);
    expect(named('Secret')).toEqual([]);
  });
});
