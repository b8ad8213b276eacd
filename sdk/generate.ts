import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { contracts } from "../services/contracts.ts";
import { openapi } from "../services/gateway/openapi.ts";
import { routesOf } from "../services/gateway/routes.ts";
import type { Contract } from "../services/shared/contract.ts";
import type { Document } from "./description.ts";
import { clientOf } from "./source.ts";

export const generatedPath = join(import.meta.dirname, "src/generated.ts");
const biome = join(import.meta.dirname, "../node_modules/@biomejs/biome/bin/biome");

/** What the client knows of the contracts, written as everything else here is. */
export async function generated(): Promise<string> {
  const map: Readonly<Record<string, Contract>> = contracts;
  const input = await clientOf(openapi(map, routesOf(map), "") as unknown as Document);
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [biome, "format", `--stdin-file-path=${generatedPath}`],
    { input },
  );
  if (status !== 0) throw new Error(`The client cannot be written: ${stderr}`);
  return String(stdout);
}

if (import.meta.main) generated().then((text) => writeFileSync(generatedPath, text));
