import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { parse } from "yaml";
import { contracts } from "../../services/contracts.ts";
import { readSettings } from "../../services/shared/settings.ts";

interface Container {
  image: string;
  user?: string;
  scale?: string;
  profiles?: string[];
  environment?: Record<string, string | number | null>;
  labels?: Record<string, string>;
  secrets?: (string | { source: string; target: string })[];
  healthcheck?: { test: string[] };
  depends_on?: Record<string, { condition: string; required?: boolean }>;
  networks: string[];
  ports?: string[];
  volumes?: string[];
  tmpfs?: string[];
  read_only: boolean;
  cap_drop: string[];
  cap_add?: string[];
  privileged?: boolean;
  security_opt: string[];
  pids_limit: number;
  cpus: number;
  mem_limit: string;
  restart: string;
  stop_grace_period: string;
  logging: { options: Record<string, string> };
}
interface Compose {
  services: Record<string, Container>;
  networks: Record<string, { internal?: boolean } | null>;
  volumes: Record<string, null>;
  secrets: Record<string, { file: string }>;
}

const text = readFileSync("docker-compose.yml", "utf8");
const compose = parse(text, { merge: true }) as Compose;
const containers = Object.entries(compose.services);
const services = Object.keys(contracts);
const nodes = containers.filter(([name]) => services.includes(name));
const servers = containers.filter(([name]) => !services.includes(name));
const secretsOf = ({ secrets = [] }: Container) => secrets.map((one) => (typeof one === "string" ? one : one.source));

describe("docker-compose.yml", () => {
  test("has a container for every service, and each runs what it is called", () => {
    expect(nodes.map(([name]) => name).sort()).toEqual([...services].sort());
    for (const [name, { environment, image }] of nodes)
      expect([environment?.SERVICES, image]).toEqual([name, expect.stringMatching(/^\$\{LONJA_IMAGE:-lonja:\w+\}$/)]);
  });

  test.each(containers)("%s is hardened and limited", (_, container) => {
    expect(container).toMatchObject({
      cap_drop: ["ALL"],
      security_opt: ["no-new-privileges:true"],
      pids_limit: expect.any(Number),
      cpus: expect.any(Number),
      mem_limit: expect.stringMatching(/^\d+[mg]$/),
      restart: "unless-stopped",
      stop_grace_period: "30s",
      logging: { options: { "max-size": expect.any(String), "max-file": expect.any(String) } },
    });
    expect(container.privileged).toBeUndefined();
    expect(container.image).toMatch(/:[\w.-]+\}?$/);
    expect(container.image).not.toMatch(/:latest$/);
  });

  test.each(nodes)("%s keeps nothing but its data, and nobody becomes root in it", (_, container) => {
    expect([container.read_only, container.user, container.cap_add]).toEqual([true, undefined, undefined]);
    expect(container.tmpfs).toContain("/tmp");
    expect(
      [...(container.tmpfs ?? []), ...(container.volumes ?? [])].filter((place) => /\/data/.test(place)),
    ).toHaveLength(1);
  });

  test("two servers write next to their programs as they start, and nobody else writes to an image", () => {
    expect(containers.flatMap(([name, { read_only }]) => (read_only ? [] : [name]))).toEqual(["rabbitmq", "kafka"]);
  });

  test.each(servers)("%s says how it is, and is root only as long as its image needs", (_, container) => {
    expect(container.healthcheck?.test[0]).toMatch(/^CMD/);
    if (container.user) expect(container.user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    for (const capability of container.cap_add ?? [])
      expect(["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"]).toContain(capability);
  });

  test("only the load balancer can be reached from outside, and only from this machine where nothing else is said", () => {
    const published = containers.flatMap(([name, { ports = [] }]) => ports.map((port) => [name, port]));
    expect(published).toEqual([["balancer", expect.stringMatching(/^\$\{LONJA_LISTEN:-127\.0\.0\.1:3000\}:8080$/)]]);
    expect(compose.networks.inside).toEqual({ internal: true });
    for (const [name, { networks }] of servers) expect(networks).toEqual([name === "balancer" ? "front" : "inside"]);
  });

  test("no secret stands in it: they come as files, and only to those who need them", () => {
    expect(text).not.toMatch(/:\/\/[^/\s]*:[^/\s]*@/);
    for (const [, { environment = {} }] of containers)
      for (const [name, value] of Object.entries(environment))
        if (/PASSWORD|SECRET|TRANSPORTER|STORE$|_URL/.test(name) && value !== null)
          expect([name, value]).toEqual([
            expect.stringMatching(/_FILE$/),
            expect.stringMatching(/^\/run\/secrets\/\w+$/),
          ]);
    for (const { file } of Object.values(compose.secrets)) expect(file).toMatch(/^\.\/secrets\//);
    expect(readFileSync(".gitignore", "utf8").split("\n")).toContain("secrets/");

    const needed = new Set(containers.flatMap(([, container]) => secretsOf(container)));
    expect([...needed].sort()).toEqual(Object.keys(compose.secrets).sort());
    for (const [name, container] of nodes)
      for (const path of Object.values(container.environment ?? {}))
        if (/^\/run\/secrets/.test(String(path)))
          expect([name, secretsOf(container)]).toEqual([name, expect.arrayContaining([String(path).slice(13)])]);
    expect(containers.filter(([, one]) => secretsOf(one).includes("admin_password")).map(([name]) => name)).toEqual([
      "users",
    ]);
  });

  test("a node is made anew when its bus or its store is another one, which its secrets do not show", () => {
    for (const [, { labels }] of nodes)
      for (const { file } of [compose.secrets.transporter, compose.secrets.store] as { file: string }[])
        expect(Object.values(labels ?? {})).toContain(/\$\{.+\}/.exec(file)?.[0]);
  });

  test("whatever a node is told is a setting", () => {
    const asked: string[] = [];
    const listening = new Proxy({} as Record<string, string>, {
      get: (_, name) => void asked.push(String(name)),
    });
    readSettings(listening);
    const known = new Set(asked);
    const told = nodes.flatMap(([, { environment = {} }]) =>
      Object.keys(environment).map((name) => name.replace(/_FILE$/, "")),
    );
    expect(told.filter((name) => !known.has(name))).toEqual([]);
  });

  test("nodes wait for the servers that are chosen, and gateways are closed before whom they ask", () => {
    const chosen = servers.map(([name]) => name).filter((name) => name !== "balancer");
    for (const [, { depends_on = {} }] of nodes)
      for (const server of chosen)
        expect(depends_on[server]).toEqual({
          condition: "service_healthy",
          ...(compose.services[server]?.profiles ? { required: false } : {}),
        });
    const others = services.filter((name) => name !== "gateway");
    expect(Object.keys(compose.services.gateway?.depends_on ?? {})).toEqual(expect.arrayContaining(others));
    expect(Object.keys(compose.services.balancer?.depends_on ?? {})).toEqual(["gateway"]);
  });

  test.each(["postgres", "rabbitmq", "kafka", "redis"])("%s is a profile that takes the place of a server", (name) => {
    expect(compose.services[name]?.profiles).toEqual([name]);
    const settings = Object.fromEntries(
      readFileSync(`deploy/compose/${name}.env`, "utf8")
        .split("\n")
        .flatMap((line) => (/^\w+=/.test(line) ? [line.split("=")] : [])),
    );
    expect(settings).toEqual(
      name === "postgres" ? { LONJA_STORE: name, LONJA_MONGO: "0" } : { LONJA_BUS: name, LONJA_NATS: "0" },
    );
    expect(compose.services[name === "postgres" ? "mongo" : "nats"]?.scale).toMatch(/^\$\{LONJA_(MONGO|NATS):-1\}$/);
  });
});

describe("the image", () => {
  const [build = "", final = ""] = readFileSync("Dockerfile", "utf8")
    .split(/^(?=FROM )/m)
    .slice(1);

  test("is built on one version of one system, which whoever builds it may name by its digest", () => {
    const dockerfile = readFileSync("Dockerfile", "utf8");
    expect(dockerfile).toMatch(/^ARG NODE_IMAGE=node:24-[a-z]+-slim$/m);
    expect([...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image?.slice(1))).toEqual(
      Array(2).fill("{NODE_IMAGE}"),
    );
    expect(dockerfile).not.toMatch(/^ADD |chmod (-R )?[0-7]*[2367]\b|chmod \S*[ao]\+\S*w/m);
  });

  test("starts as npm start does, and hears signals, as no shell stands in between", () => {
    const { scripts } = JSON.parse(readFileSync("package.json", "utf8"));
    expect(final.split("\n")).toContain(`CMD [${scripts.start.replace(/\S+/g, '"$&"').replaceAll(" ", ", ")}]`);
    expect(final).not.toMatch(/^(CMD|ENTRYPOINT) [^[]/m);
  });

  test("runs as nobody in particular, with an init, and says how it is", () => {
    expect(final).toMatch(/^USER 1000:1000$/m);
    expect(final).toMatch(/^HEALTHCHECK .*\/health\/ready/m);
    expect(final).toMatch(/^ENTRYPOINT \["tini", "--"\]$/m);
    expect(final).toMatch(/^VOLUME \/data$/m);
    expect(final.slice(final.indexOf("\nUSER"))).not.toMatch(/^(RUN|COPY|ADD) /m);
  });

  test("holds nothing that installs packages, and no package of development", () => {
    expect(build).toMatch(/^RUN npm ci --omit=dev --ignore-scripts /m);
    expect(final).not.toMatch(/npm (ci|i|install|run)|apt-get|curl|wget/);
    expect(final).toMatch(/rm -rf \/usr\/local\/lib\/node_modules [^&]*\/npm [^&]*\/npx [^&]*\/corepack /);
  });

  test("answers where it is asked how it is", () => {
    const environment = Object.fromEntries(
      (/^ENV (.*)$/m.exec(final)?.[1] ?? "").split(" ").map((pair) => pair.split("=") as [string, string]),
    );
    expect(readSettings(environment)).toMatchObject({
      host: "0.0.0.0",
      port: 3000,
      healthPort: 3001,
      dataDir: "/data",
    });
    expect(environment.NODE_ENV).toBe("production");
    expect(final).toMatch(/^EXPOSE 3000 3001$/m);
  });

  test("holds all that a node imports, and nothing else of ours", () => {
    const [everything, ...let_in] = readFileSync(".dockerignore", "utf8")
      .split("\n")
      .filter((line) => /^[^#\s]/.test(line));
    expect(everything).toBe("*");
    const copied = let_in.map((line) => line.replace(/^!/, ""));
    const needed = new Set<string>();
    const follow = (path: string) => {
      if (needed.has(path)) return;
      needed.add(path);
      for (const [, imported = ""] of readFileSync(path, "utf8").matchAll(/(?:from|import\()\s*"(\.[^"]+\.ts)"/g))
        follow(normalize(join(dirname(path), imported)));
    };
    for (const command of ["lonja.ts", "repl/repl.ts", "moving/export.ts", "moving/import.ts"]) follow(command);
    for (const name of services) follow(`services/${name}/${name}.service.ts`);
    const outside = [...needed].filter(
      (path) => !copied.some((place) => path === place || !relative(place, path).startsWith("..")),
    );
    expect(needed.size).toBeGreaterThan(100);
    expect(outside).toEqual([]);
    expect(copied.filter((place) => !existsSync(place))).toEqual([]);
    expect(copied.filter((place) => /^(test|bench|demo|secrets|data|node_modules|\.)/.test(place))).toEqual([]);
  });
});
