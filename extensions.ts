import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { ServiceSchema } from "moleculer";
import type { Contract } from "./services/shared/contract.ts";

/** A service that a shop adds of its own, in a folder of its own: see docs/guides/extending.md. */
export interface Extension {
  folder: string;
  contract: Contract;
  /** All that the file of its contract exports: the schemas that have a name. */
  vocabulary: object;
}

const own = join(import.meta.dirname, "services");
/** At once: what there is to be asked is known before anybody asks. */
const read = createRequire(import.meta.url);
const fileOf = (folder: string, kind: "contract" | "service") => join(folder, `${basename(folder)}.${kind}.ts`);

function extensionIn(path: string): Extension {
  const folder = resolve(path);
  const name = basename(folder);
  if (!/^[a-z]{2,40}$/.test(name)) throw new Error(`${name} is no name of a service: it is made of small letters`);
  if (existsSync(join(own, name))) throw new Error(`there is a service ${name} already`);
  if (!existsSync(fileOf(folder, "contract"))) throw new Error(`there is no ${fileOf(path, "contract")}`);
  const vocabulary = read(fileOf(folder, "contract"));
  const contract = vocabulary[name] as Contract | undefined;
  if (contract?.name !== name) throw new Error(`${fileOf(path, "contract")} exports no contract called ${name}`);
  return { folder, contract, vocabulary };
}

function found(): { extensions: Extension[]; unusable?: string } {
  // It is read before all other settings, since these depend on which services there are.
  const paths = (process.env.EXTENSIONS ?? "").split(",").flatMap((path) => path.trim() || []);
  try {
    return { extensions: [...new Set(paths)].map(extensionIn) };
  } catch (error) {
    return { extensions: [], unusable: (error as Error).message };
  }
}

/** `EXTENSIONS` lists their folders. Every node has to have the same: who tells a fact has to know who hears it. */
export const { extensions, unusable: unusableExtension } = found();

/** The code of a service, which only those have to read who run it. */
export async function schemaOf(name: string): Promise<ServiceSchema> {
  const folder = extensions.find(({ contract }) => contract.name === name)?.folder ?? join(own, name);
  const { default: schema } = await import(pathToFileURL(fileOf(folder, "service")).href);
  return schema;
}
