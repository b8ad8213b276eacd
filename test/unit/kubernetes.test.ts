import { existsSync } from "node:fs";
import { contracts, type ServiceName } from "../../services/contracts.ts";
import { readSettings } from "../../services/shared/settings.ts";
import { type Kubernetes, kubernetes, type Manifest, needKubernetes } from "../servers/kubernetes.ts";
import { describeWith } from "../servers/server.ts";

interface Container {
  name: string;
  image: string;
  env?: { name: string; value?: string; valueFrom?: { fieldRef?: { fieldPath: string } } }[];
  envFrom?: { configMapRef: { name: string } }[];
  ports: { name: string; containerPort: number }[];
  resources: { requests: Record<string, string>; limits: Record<string, string> };
  securityContext: unknown;
  startupProbe?: Probe;
  livenessProbe?: Probe;
  readinessProbe?: Probe;
  lifecycle?: { preStop?: { sleep: { seconds: number } } };
  volumeMounts: { name: string; mountPath: string }[];
}
interface Probe {
  httpGet?: { port: string };
  tcpSocket?: { port: string };
  exec?: object;
}
interface Pod {
  serviceAccountName?: string;
  automountServiceAccountToken: boolean;
  terminationGracePeriodSeconds: number;
  securityContext: { runAsNonRoot: boolean; runAsUser: number; seccompProfile: { type: string } };
  containers: Container[];
  initContainers?: Container[];
  volumes: {
    name: string;
    secret?: { secretName: string };
    configMap?: { name: string };
    projected?: { sources: { secret?: { name: string }; configMap?: { name: string } }[] };
  }[];
  topologySpreadConstraints?: { topologyKey: string; labelSelector: Selector }[];
}
interface Selector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values: string[] }[];
}
interface Workload {
  replicas?: number;
  selector: Selector;
  strategy?: { rollingUpdate: { maxUnavailable: number; maxSurge: number } };
  template: { metadata: { labels: Record<string, string> }; spec: Pod };
}
interface Scaler {
  scaleTargetRef: { kind: string; name: string };
  minReplicas: number;
  maxReplicas: number;
}
interface Service {
  selector: Record<string, string>;
  ports: { name: string; targetPort: string }[];
}
interface Peer {
  namespaceSelector?: Selector;
  podSelector?: Selector;
  ipBlock?: { cidr: string; except?: string[] };
}
interface Policy {
  podSelector: Selector;
  policyTypes: string[];
  ingress?: { from?: Peer[]; ports?: { port: number | string }[] }[];
  egress?: { to?: Peer[]; ports?: { port: number | string }[] }[];
}
interface Ingress {
  rules: { http: { paths: { backend: { service: { name: string; port: { name: string } } } }[] } }[];
}

const services = Object.keys(contracts) as ServiceName[];
/** The overlays, and how many of each service are there when nobody comes. */
const overlays = { local: 1, "local-mongodb": 1, small: 2, production: 3 } as const;
type Overlay = keyof typeof overlays;
const isLocal = (overlay: Overlay) => overlay.startsWith("local");
/** What the guide tells the operator to make, where the overlay does not. */
const promised = {
  local: [],
  "local-mongodb": [],
  small: ["lonja", "lonja-admin", "lonja-mail", "lonja-nats", "lonja-postgres"],
  production: ["lonja", "lonja-admin", "lonja-mail"],
} as const;
const ofKind = <Spec>(objects: Manifest[], kind: string) =>
  objects.filter((object) => object.kind === kind) as Manifest<Spec>[];
const workloads = (objects: Manifest[]) => [
  ...ofKind<Workload>(objects, "Deployment"),
  ...ofKind<Workload>(objects, "StatefulSet"),
];
const names = (objects: Manifest[]) => objects.map((object) => object.metadata.name).toSorted();
const containersOf = ({ spec }: Manifest<Workload>) => [
  ...spec.template.spec.containers,
  ...(spec.template.spec.initContainers ?? []),
];
const selects = ({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Record<string, string>) =>
  Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
  matchExpressions.every(({ key, operator, values }) => operator === "In" && values.includes(labels[key] ?? ""));
const chosen = (objects: Manifest[], selector: Selector) =>
  workloads(objects).filter(({ spec }) => selects(selector, spec.template.metadata.labels));
const deploymentOf = (objects: Manifest[], service: string) => {
  const found = ofKind<Workload>(objects, "Deployment").find(({ metadata }) => metadata.name === `lonja-${service}`);
  if (!found) throw new Error(`${service} has no Deployment`);
  return found;
};
const nodeOf = (objects: Manifest[], service: string) => {
  const [node] = deploymentOf(objects, service).spec.template.spec.containers;
  if (!node) throw new Error(`${service} has no container`);
  return node;
};
const secretsOf = ({ spec }: Manifest<Workload>) =>
  spec.template.spec.volumes.flatMap(({ secret, projected }) => [
    ...(secret ? [secret.secretName] : []),
    ...(projected?.sources ?? []).flatMap((source) => (source.secret ? [source.secret.name] : [])),
  ]);
const configOf = (objects: Manifest[], service: string) => {
  const { envFrom = [] } = nodeOf(objects, service);
  const maps = ofKind(objects, "ConfigMap").filter(({ metadata }) =>
    envFrom.some(({ configMapRef }) => configMapRef.name === metadata.name),
  );
  return Object.assign({}, ...maps.map(({ data }) => data)) as Record<string, string>;
};

describeWith([needKubernetes], "Kubernetes", () => {
  let kube: Kubernetes;
  beforeAll(async () => {
    kube = await kubernetes();
  }, 600_000);

  describe("the check itself", () => {
    const problems = (object: unknown) => kube.problems(object as Manifest);
    const service = (spec: object) => ({ apiVersion: "v1", kind: "Service", metadata: { name: "x" }, spec });

    test("passes what Kubernetes would take", () => {
      expect(problems(service({ ports: [{ port: 80, targetPort: "http" }] }))).toEqual([]);
    });

    test("names a field that Kubernetes does not know, one of a wrong type, one that is missing, and an unknown kind", () => {
      expect(problems(service({ port: 80 }))?.join()).toMatch("port");
      expect(problems(service({ ports: [{ port: "80" }] }))?.join()).toMatch("/spec/ports/0/port must be integer");
      expect(problems(service({ ports: [{}] }))?.join()).toMatch("must have required property 'port'");
      expect(problems({ apiVersion: "apps/v2", kind: "Deployment" })?.join()).toMatch("not known");
    });
  });

  describe.each(Object.keys(overlays) as Overlay[])("the %s overlay", (overlay) => {
    let objects: Manifest[];
    beforeAll(async () => {
      objects = await kube.render(overlay);
    });

    test("is what Kubernetes expects, field by field", () => {
      expect(
        objects.flatMap((object) => kube.problems(object).map((text) => `${object.metadata.name} ${text}`)),
      ).toEqual([]);
    });

    test("keeps all in the namespace that refuses careless pods", () => {
      const [namespace, ...more] = ofKind(objects, "Namespace");
      expect(more).toEqual([]);
      expect(namespace?.metadata.labels).toMatchObject({ "pod-security.kubernetes.io/enforce": "restricted" });
      for (const { kind, metadata } of objects)
        if (kind !== "Namespace") expect(metadata.namespace).toBe(namespace?.metadata.name);
    });

    test.each(services)("runs %s as a node of its own, watched and scaled by itself", (service) => {
      const { metadata, spec } = deploymentOf(objects, service);
      expect(spec.template.metadata.labels["app.kubernetes.io/component"]).toBe(service);
      expect(nodeOf(objects, service).env).toContainEqual({
        name: "SERVICES",
        valueFrom: { fieldRef: { fieldPath: "metadata.labels['app.kubernetes.io/component']" } },
      });
      expect(spec.replicas).toBeUndefined();
      const scalers = ofKind<Scaler>(objects, "HorizontalPodAutoscaler").filter(
        (scaler) =>
          scaler.spec.scaleTargetRef.kind === "Deployment" && scaler.spec.scaleTargetRef.name === metadata.name,
      );
      expect(scalers).toHaveLength(1);
      expect(scalers[0]?.spec.minReplicas).toBe(overlays[overlay]);
      expect(scalers[0]?.spec.maxReplicas).toBeGreaterThan(overlays[overlay]);
      const budgets = ofKind<{ selector: Selector }>(objects, "PodDisruptionBudget").filter((budget) =>
        selects(budget.spec.selector, spec.template.metadata.labels),
      );
      expect(budgets).toHaveLength(1);
      for (const { labelSelector } of spec.template.spec.topologySpreadConstraints ?? [])
        expect(names(chosen(objects, labelSelector))).toEqual([metadata.name]);
    });

    test("scales and guards nothing that is not there, and nothing twice", () => {
      expect(names(ofKind(objects, "HorizontalPodAutoscaler"))).toEqual(
        services.map((name) => `lonja-${name}`).toSorted(),
      );
      for (const budget of ofKind<{ selector: Selector }>(objects, "PodDisruptionBudget"))
        expect(names(chosen(objects, budget.spec.selector))).toEqual([budget.metadata.name]);
      for (const { spec } of workloads(objects)) expect(chosen(objects, spec.selector)).toHaveLength(1);
    });

    test("replaces a node only when its successor is ready, and lets it end what it has begun", () => {
      for (const service of services) {
        const { strategy, template } = deploymentOf(objects, service).spec;
        expect(strategy?.rollingUpdate).toEqual({ maxUnavailable: 0, maxSurge: 1 });
        const pause = nodeOf(objects, service).lifecycle?.preStop?.sleep.seconds ?? 0;
        expect(pause).toBeGreaterThanOrEqual(10);
        expect(template.spec.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(pause + 20);
      }
    });

    test("gives no pod more rights than it needs", () => {
      for (const workload of workloads(objects)) {
        const pod = workload.spec.template.spec;
        expect(pod.automountServiceAccountToken).toBe(false);
        expect(pod).not.toHaveProperty("hostNetwork");
        expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
        expect(pod.securityContext.runAsUser).toBeGreaterThan(0);
        for (const container of containersOf(workload))
          expect(container.securityContext).toEqual({
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ["ALL"] },
          });
      }
    });

    test("gives no container the memory of all, and asks each how it is", () => {
      for (const workload of workloads(objects))
        for (const { ports, resources, image, ...container } of containersOf(workload)) {
          expect(Object.keys(resources.requests)).toEqual(expect.arrayContaining(["cpu", "memory"]));
          expect(resources.limits).toHaveProperty("memory");
          expect(image).toMatch(/:[\w.-]+$/);
          expect(image).not.toMatch(/:latest$/);
          for (const probe of [container.startupProbe, container.livenessProbe, container.readinessProbe]) {
            const port = probe?.httpGet?.port ?? probe?.tcpSocket?.port;
            if (probe?.exec) continue;
            expect(ports.map(({ name }) => name)).toContain(port);
          }
        }
    });

    test("refers to nothing that is not there", () => {
      const accounts = names(ofKind(objects, "ServiceAccount"));
      const maps = names(ofKind(objects, "ConfigMap"));
      const secrets = [...names(ofKind(objects, "Secret")), ...promised[overlay]];
      for (const workload of workloads(objects)) {
        const pod = workload.spec.template.spec;
        if (pod.serviceAccountName) expect(accounts).toContain(pod.serviceAccountName);
        expect(secrets).toEqual(expect.arrayContaining(secretsOf(workload)));
        for (const container of containersOf(workload)) {
          for (const { configMapRef } of container.envFrom ?? []) expect(maps).toContain(configMapRef.name);
          for (const { name } of container.volumeMounts)
            if (workload.kind === "Deployment") expect(pod.volumes.map((volume) => volume.name)).toContain(name);
        }
        for (const { configMap, projected } of pod.volumes)
          for (const source of [configMap, ...(projected?.sources ?? []).map((from) => from.configMap)])
            if (source) expect(maps).toContain(source.name);
      }
      for (const { spec } of ofKind<Service>(objects, "Service")) {
        const [workload, ...more] = chosen(objects, { matchLabels: spec.selector });
        expect(more).toEqual([]);
        const open = workload ? containersOf(workload).flatMap(({ ports }) => ports.map(({ name }) => name)) : [];
        expect(open).toEqual(expect.arrayContaining(spec.ports.map(({ targetPort }) => targetPort)));
      }
      for (const { spec } of ofKind<Ingress>(objects, "Ingress"))
        for (const { service } of spec.rules.flatMap(({ http }) => http.paths.map(({ backend }) => backend))) {
          const target = ofKind<Service>(objects, "Service").find(({ metadata }) => metadata.name === service.name);
          expect(target?.spec.ports.map(({ name }) => name)).toContain(service.port.name);
        }
    });

    test("writes down no secret, but those for local use", () => {
      const written = ofKind(objects, "Secret");
      if (isLocal(overlay)) expect(written.length).toBeGreaterThan(2);
      else expect(written).toEqual([]);
      for (const { data = {} } of written)
        for (const value of Object.values(data))
          expect(atob(value)).toMatch(/for-local-use-only|^mongodb:\/\/mongodb:27017\//);
      const plain = [
        ...ofKind(objects, "ConfigMap").flatMap(({ data = {} }) => Object.entries(data)),
        ...workloads(objects).flatMap((workload) =>
          containersOf(workload).flatMap(({ env = [] }) => env.map(({ name, value = "" }) => [name, value] as const)),
        ),
      ];
      for (const [name, value] of plain) {
        expect(value).not.toMatch(/:\/\/[^/\s]*@/);
        if (/PASSWORD|SECRET|KEY|TOKEN|_URL|STORE|TRANSPORTER/.test(name)) {
          expect(name).toMatch(/_FILE$/);
          expect(value).toMatch(/^\/run\/secrets\//);
        }
      }
    });

    test("tells the password of the first admin to users alone, and how to send mail to notifications alone", () => {
      const knows = (secret: string) =>
        names(workloads(objects).filter((workload) => secretsOf(workload).some((name) => name.startsWith(secret))));
      expect(knows("lonja-admin")).toEqual(["lonja-users"]);
      expect(knows("lonja-mail")).toEqual(isLocal(overlay) ? [] : ["lonja-notifications"]);
    });

    test.each(services)("gives %s settings that it can use, from files that are mounted", (service) => {
      const node = nodeOf(objects, service);
      const inFiles = (node.env ?? []).filter(({ name }) => name.endsWith("_FILE"));
      for (const { value = "" } of inFiles)
        expect(node.volumeMounts.some(({ mountPath }) => value.startsWith(`${mountPath}/`))).toBe(true);
      const example: Record<string, string> = {
        TRANSPORTER: "nats://lonja:password@nats:4222",
        BUS_SECRET: "sixteen letters!",
        STORE: "postgres://lonja:password@postgres/lonja",
        ADMIN_PASSWORD: "a long password",
        SMTP_URL: "smtps://mail.example.com",
      };
      const files = Object.fromEntries(
        inFiles.map(({ name }) => name.slice(0, -"_FILE".length)).map((name) => [name, example[name]]),
      );
      const settings = readSettings({ ...configOf(objects, service), SERVICES: service, ...files });
      expect(settings).toMatchObject({ services: [service], host: "0.0.0.0", transporter: example.TRANSPORTER });
      expect(settings.admin.password).toBe(service === "users" ? example.ADMIN_PASSWORD : undefined);
      expect(settings.smtpUrl).toBe(service === "notifications" && !isLocal(overlay) ? example.SMTP_URL : undefined);
      expect(settings.demo).toBe(isLocal(overlay));
      if (service === "gateway") expect(node.ports).toContainEqual({ name: "http", containerPort: settings.port });
    });

    describe("on the network", () => {
      const policies = () => ofKind<Policy>(objects, "NetworkPolicy");
      const about = (direction: "Ingress" | "Egress", workload: Manifest<Workload>) =>
        policies().filter(
          ({ spec }) =>
            spec.policyTypes.includes(direction) && selects(spec.podSelector, workload.spec.template.metadata.labels),
        );
      /** Who may reach this port of this pod, by the names of what is there; `*` is the world. */
      const guests = (target: Manifest<Workload>) =>
        about("Ingress", target).flatMap(({ spec }) =>
          (spec.ingress ?? []).flatMap(({ from }) =>
            from
              ? from.flatMap((peer) =>
                  peer.namespaceSelector ? ["another namespace"] : names(chosen(objects, peer.podSelector ?? {})),
                )
              : ["*"],
          ),
        );

      test("nobody reaches anybody unless a rule says so", () => {
        const closed = policies().filter(
          ({ spec }) => Object.keys(spec.podSelector).length === 0 && spec.policyTypes.length === 2,
        );
        expect(closed).toHaveLength(1);
        expect(closed[0]?.spec).toEqual({ podSelector: {}, policyTypes: ["Ingress", "Egress"] });
        for (const { spec } of policies()) expect(chosen(objects, spec.podSelector)).not.toEqual([]);
      });

      test("requests come to the gateway and to no other service", () => {
        for (const service of services)
          expect(guests(deploymentOf(objects, service))).toEqual(
            service !== "gateway" ? [] : isLocal(overlay) ? ["*"] : ["another namespace"],
          );
      });

      test("NATS and the store are for the nodes alone", () => {
        const nodes = services.map((name) => `lonja-${name}`).toSorted();
        for (const workload of workloads(objects))
          if (!workload.metadata.name.startsWith("lonja-")) expect(guests(workload)).toEqual(nodes);
      });

      test.each(services)(
        "%s reaches names, the bus and its store, and what is outside only where it has to",
        (service) => {
          const rules = about("Egress", deploymentOf(objects, service)).flatMap(({ spec }) => spec.egress ?? []);
          const ports = rules.flatMap((rule) => (rule.ports ?? []).map(({ port }) => port));
          const store = overlay === "local-mongodb" ? 27017 : 5432;
          const outside = { payments: [443], notifications: [443, 465, 587] }[service as string] ?? [];
          expect(ports.toSorted()).toEqual([53, 53, 4222, store, ...outside].toSorted());
          const web = rules.filter((rule) => rule.ports?.some(({ port }) => port === 443));
          for (const { ipBlock } of web.flatMap(({ to = [] }) => to))
            expect(ipBlock?.except).toEqual(
              expect.arrayContaining(ipBlock?.cidr === "::/0" ? ["fc00::/7"] : ["10.0.0.0/8", "169.254.0.0/16"]),
            );
          for (const { to } of web) expect(to).toHaveLength(2);
        },
      );
    });
  });

  test("the production overlay brings no store of its own", async () => {
    const objects = await kube.render("production");
    expect(names(workloads(objects))).toEqual(services.map((name) => `lonja-${name}`).toSorted());
  });

  test("the small overlay is backed up every hour, by one pod at a time that may do no more than a node", async () => {
    interface CronJob {
      schedule: string;
      concurrencyPolicy: string;
      jobTemplate: { spec: { activeDeadlineSeconds: number; template: Workload["template"] } };
    }
    const objects = await kube.render("small");
    const [job, ...more] = ofKind<CronJob>(objects, "CronJob");
    if (!job) throw new Error("there is no CronJob");
    const { schedule, concurrencyPolicy, jobTemplate } = job.spec;
    expect([more, schedule, concurrencyPolicy]).toEqual([[], expect.stringMatching(/^\d+ \* \* \* \*$/), "Forbid"]);
    expect(jobTemplate.spec.activeDeadlineSeconds).toBeLessThan(3600);

    const pod = jobTemplate.spec.template;
    const [container] = pod.spec.containers as (Container & { args: string[] })[];
    const node = nodeOf(objects, "orders");
    expect(pod.spec.securityContext).toEqual(deploymentOf(objects, "orders").spec.template.spec.securityContext);
    expect(pod.spec.automountServiceAccountToken).toBe(false);
    expect([container?.image, container?.securityContext]).toEqual([node.image, node.securityContext]);
    expect(container?.args.slice(0, 2)).toEqual(["node", "backup/backup.ts"]);
    expect(existsSync(container?.args[1] ?? "")).toBe(true);
    // It finds its secrets where a node finds them, and the rules of the network take it for one.
    expect(node.env).toEqual(expect.arrayContaining(container?.env ?? []));
    expect(container?.env).toHaveLength(3);
    const reaches = ofKind<Policy>(objects, "NetworkPolicy")
      .filter(({ spec }) => spec.policyTypes.includes("Egress") && selects(spec.podSelector, pod.metadata.labels))
      .flatMap(({ spec }) => (spec.egress ?? []).flatMap(({ ports = [] }) => ports.map(({ port }) => port)));
    expect(reaches.toSorted()).toEqual([4222, 53, 53, 5432]);
    const claims = pod.spec.volumes.flatMap((volume) => {
      const { persistentVolumeClaim: claim } = volume as { persistentVolumeClaim?: { claimName: string } };
      return claim ? [claim.claimName] : [];
    });
    expect(names(ofKind(objects, "PersistentVolumeClaim"))).toEqual(claims);
    expect(chosen(objects, { matchLabels: { "app.kubernetes.io/component": "backup" } })).toEqual([]);
  });

  test("new secrets are what the small overlay asks for, and others each time", async () => {
    const [first = [], second = []] = await Promise.all([kube.newSecrets(), kube.newSecrets()]);
    expect(first.flatMap((secret) => kube.problems(secret))).toEqual([]);
    expect([...names(first), "lonja-mail"].toSorted()).toEqual(promised.small);
    const values = (secrets: Manifest[]) => secrets.flatMap(({ stringData = {} }) => Object.values(stringData));
    for (const value of values(first)) expect(values(second)).not.toContain(value);
    const { transporter = "", store = "", "bus-secret": busSecret = "" } = first[0]?.stringData ?? {};
    expect(readSettings({ TRANSPORTER: transporter, STORE: store, BUS_SECRET: busSecret }).transporter).toBe(
      transporter,
    );
    const said = (name: string) =>
      Object.values(first.find(({ metadata }) => metadata.name === name)?.stringData ?? {}).join();
    expect(said("lonja-nats")).toContain(new URL(transporter).password);
    expect(said("lonja-postgres")).toBe(new URL(store).password);
  });
});
