import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parseAllDocuments } from "yaml";
import { madeOnce } from "./cache.ts";
import { program } from "./server.ts";

const run = promisify(execFile);
const deploy = resolve(import.meta.dirname, "../../deploy/kubernetes");

/** An object as it stands in a manifest. That its `spec` is what its kind says is for the schema to judge. */
export interface Manifest<Spec = unknown> {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  spec: Spec;
  data?: Record<string, string>;
  stringData?: Record<string, string>;
}

/** Kubernetes without a cluster: what an overlay comes to, and whether the API would take it. */
export interface Kubernetes {
  render(overlay: string): Promise<Manifest[]>;
  /** What `new-secrets` prints. */
  newSecrets(): Promise<Manifest[]>;
  /** What is wrong with an object, unknown fields too. */
  problems(object: Manifest): string[];
}

/** kubectl has kustomize inside; Go builds it where there is none. */
const needKustomize = () =>
  program("Kustomize", "install kubectl, or Go to build kustomize", "kubectl", "go", "/usr/local/go/bin/go");
const needPython = () => program("The schema of Kubernetes", "install Python with pip", "python3");
export const needKubernetes = (): void => {
  needKustomize();
  needPython();
};

export async function kubernetes(): Promise<Kubernetes> {
  const [kustomize, problems] = await Promise.all([kustomizer(), schemas()]);
  return {
    render: async (overlay) => documents(await kustomize(join(deploy, "overlays", overlay))),
    newSecrets: async () => documents((await run(join(deploy, "new-secrets"))).stdout),
    problems,
  };
}

const documents = (text: string): Manifest[] => parseAllDocuments(text).map((document) => document.toJS() as Manifest);

async function kustomizer(): Promise<(folder: string) => Promise<string>> {
  const [command, ...args] = await makeKustomize();
  return async (folder) => (await run(command, [...args, folder], { maxBuffer: 16 * 1024 * 1024 })).stdout;
}

/** What makes manifests of a folder. */
export async function makeKustomize(): Promise<[string, ...string[]]> {
  const found = needKustomize();
  if (found.endsWith("kubectl")) return [found, "kustomize"];
  const build = ["-o", "kustomize", "sigs.k8s.io/kustomize/kustomize/v5"];
  const made = await madeOnce(join(import.meta.dirname, "kustomize"), [
    "env",
    "CGO_ENABLED=0",
    found,
    "build",
    ...build,
  ]);
  return [join(made, "kustomize"), "build"];
}

interface Definition {
  "x-kubernetes-group-version-kind"?: { group: string; version: string; kind: string }[];
}

/** The file of Kubernetes' schema. */
export async function makeSchema(): Promise<string> {
  return join(await madeOnce(join(import.meta.dirname, "kubernetes"), [needPython(), "schema.py"]), "schema.json");
}

async function schemas(): Promise<Kubernetes["problems"]> {
  const schema = JSON.parse(await readFile(await makeSchema(), "utf8")) as {
    $id: string;
    $defs: Record<string, Definition>;
  };
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false }).addSchema(schema);
  return (object) => {
    const { apiVersion, kind } = object;
    const [version, group = ""] = apiVersion.split("/").toReversed();
    const name = Object.keys(schema.$defs).find((key) =>
      schema.$defs[key]?.["x-kubernetes-group-version-kind"]?.some(
        (known) => known.group === group && known.version === version && known.kind === kind,
      ),
    );
    if (!name) return [`${apiVersion} ${kind} is not known to Kubernetes`];
    const isRight = ajv.getSchema(`${schema.$id}#/$defs/${name}`);
    if (!isRight) throw new Error(`${name} has no schema`);
    if (isRight(object)) return [];
    return (isRight.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
    );
  };
}
