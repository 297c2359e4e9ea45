/** The files of deploy/kubernetes: the API takes them, they fit one another, and a hub does what they say of it. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type IPodMonitor,
  PodMonitor,
} from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor';
import { Deployment, type IDeployment } from 'kubernetes-models/apps/v1/Deployment';
import {
  HorizontalPodAutoscaler,
  type IHorizontalPodAutoscaler,
} from 'kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler';
import {
  type IPodDisruptionBudget,
  PodDisruptionBudget,
} from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { type IService, Service } from 'kubernetes-models/v1/Service';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { resolveOptions } from '../../src/options/options.js';
import { Command } from '../support/processes/command-line.js';
import { temporaryFolder } from '../support/processes/temporary-folder.js';
import { typeComplaints } from '../support/type-check.js';

const FOLDER = new URL('../../deploy/kubernetes/', import.meta.url);
const read = (name: string) => parse(readFileSync(new URL(`${name}.yaml`, FOLDER), 'utf8'));
const deployment: IDeployment = read('deployment');
const service: IService = read('service');
const budget: IPodDisruptionBudget = read('pod-disruption-budget');
const autoscaler: IHorizontalPodAutoscaler = read('horizontal-pod-autoscaler');
const monitor: IPodMonitor = read('pod-monitor');
const pod = deployment.spec!.template;
const hub = pod.spec!.containers[0]!;

test('they are what the schemas of the API say, down to the last field', () => {
  const all = { deployment, service, budget, autoscaler, monitor };
  // As literals: the compiler refuses fields that there are not.
  const models = ({ apiVersion }: { apiVersion: string }) =>
    apiVersion.startsWith('monitoring') ? '@kubernetes-models/prometheus-operator' : 'kubernetes-models';
  const texts = Object.entries(all).map(([name, value]) => [
    `${name}.mts`,
    `import type { I${value.kind} } from '${models(value)}/${value.apiVersion}/${value.kind}';
     export const it: I${value.kind} = ${JSON.stringify(value)};`,
  ]);
  expect(typeComplaints(Object.fromEntries(texts))).toEqual([]);
  new Deployment(deployment).validate();
  new Service(service).validate();
  new PodDisruptionBudget(budget).validate();
  new HorizontalPodAutoscaler(autoscaler).validate();
  new PodMonitor(monitor).validate();
});

test('they mean one another', () => {
  const { labels } = pod.metadata!;
  expect(deployment.spec!.selector.matchLabels).toEqual(labels);
  expect(service.spec!.selector).toEqual(labels);
  expect(budget.spec!.selector!.matchLabels).toEqual(labels);
  expect(monitor.spec!.selector.matchLabels).toEqual(labels);
  const [endpoint] = monitor.spec!.podMetricsEndpoints!;
  expect(autoscaler.spec!.scaleTargetRef).toMatchObject({
    kind: 'Deployment',
    name: deployment.metadata!.name,
  });
  expect(hub.ports).toContainEqual({ name: service.spec!.ports![0]!.targetPort, containerPort: 8080 });
  expect(endpoint!.port).toBe('http');
  const [secret] = pod.spec!.volumes!.flatMap(({ secret }) => secret ?? []);
  expect(endpoint!.authorization!.credentials!.name).toBe(secret!.secretName);
  const metric = autoscaler.spec!.metrics![0]!.pods!.metric.name;
  expect(read('prometheus-adapter').rules.custom[0].seriesQuery).toMatch(new RegExp(`^${metric}\\{`));
  const { resources } = read('kustomization');
  const others = ['kustomization.yaml', 'pod-monitor.yaml', 'prometheus-adapter.yaml'];
  expect([...resources, ...others].sort()).toEqual(readdirSync(FOLDER).sort());
});

test('a hub starts with the environment of the container, answers the probes, and ends within the grace period', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'stats-token'), 'the-token-of-the-scraper');
  const env = Object.fromEntries(
    hub.env!.map(({ name, value }) => [name, value!.replace(/^\/run\/.*\//, `${folder}/`)]),
  );
  const command = new Command(['serve', '--port=0', '--workers=1'], { env });
  const { url } = await command.started();
  // From another address and under another name than those of the machine, as the kubelet asks.
  const at = url.replace('0.0.0.0', '127.0.0.1');
  const probes = [hub.startupProbe, hub.readinessProbe, hub.livenessProbe];
  for (const probe of probes) expect((await fetch(at + probe!.httpGet!.path)).status).toBe(200);
  const { path, authorization } = monitor.spec!.podMetricsEndpoints![0]!;
  const token = readFileSync(join(folder, authorization!.credentials!.key), 'utf8');
  expect((await fetch(at + path)).status).toBe(401);
  const scraped = await (await fetch(at + path, { headers: { authorization: `Bearer ${token}` } })).text();
  expect(scraped).toContain(`\n${autoscaler.spec!.metrics![0]!.pods!.metric.name}{`);
  command.kill('SIGTERM');
  expect(await command.exited).toMatchObject({ code: 0 });
  const [, sleep] = hub.lifecycle!.preStop!.exec!.command!;
  const { drainTimeoutMs } = resolveOptions();
  expect(pod.spec!.terminationGracePeriodSeconds).toBeGreaterThan(Number(sleep) + drainTimeoutMs / 1000);
});
