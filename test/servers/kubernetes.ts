import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parseAllDocuments } from "yaml";
import { madeOnce } from "./cache.ts";
import { MissingServer, program } from "./server.ts";

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
  const [command, ...args] = await kustomizeCommand();
  return async (folder) => (await run(command, [...args, folder], { maxBuffer: 16 * 1024 * 1024 })).stdout;
}

async function kustomizeCommand(): Promise<[string, ...string[]]> {
  try {
    return [program("kubectl", "", "kubectl"), "kustomize"];
  } catch (error) {
    if (!(error instanceof MissingServer)) throw error;
    const go = program("Kustomize", "install kubectl, or Go to build kustomize", "go", "/usr/local/go/bin/go");
    const module = "sigs.k8s.io/kustomize/kustomize/v5";
    const made = await madeOnce(join(import.meta.dirname, "kustomize"), [go, "build", "-o", "kustomize", module]);
    return [join(made, "kustomize"), "build"];
  }
}

interface Definition {
  "x-kubernetes-group-version-kind"?: { group: string; version: string; kind: string }[];
}

async function schemas(): Promise<Kubernetes["problems"]> {
  const python = program("Kubernetes' schemas", "install Python with pip", "python3");
  const made = await madeOnce(join(import.meta.dirname, "kubernetes"), [python, "schema.py"]);
  const schema = JSON.parse(await readFile(join(made, "schema.json"), "utf8")) as {
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
