import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { asStarted } from "../cluster/process.ts";
import { freePort } from "./servers/server.ts";

export interface ShopProcess {
  url: string;
  child: ChildProcess;
  output: () => string;
  /** Kills as the system does when memory is short: no goodbye. */
  kill(): Promise<void>;
  stop(): Promise<number | null>;
}

/** The shop as an operator starts it, in a process of its own, when it is open or `patienceMs` are over. */
export async function startShop(
  dataDir: string,
  env: Record<string, string> = {},
  patienceMs = 10_000,
): Promise<ShopProcess> {
  const port = await freePort();
  let output = "";
  const child = spawn(process.execPath, asStarted, {
    env: {
      PATH: process.env.PATH ?? "",
      PORT: String(port),
      DATA_DIR: dataDir,
      DEMO: "off",
      RATE_LIMIT: "off",
      LOG_LEVEL: "warn",
      ADMIN_EMAIL: "admin@lonja.test",
      ADMIN_PASSWORD: "correct horse battery",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.stdout.on("data", (text) => {
    output += text;
  });
  child.stderr.on("data", (text) => {
    output += text;
  });
  const url = `http://127.0.0.1:${port}`;
  for (let left = patienceMs; left > 0 && child.exitCode === null; left -= 25) {
    // A connection that is kept would be one more guest of a shop that is told to stop.
    const health = await fetch(`${url}/health/ready`, { headers: { connection: "close" } }).catch(() => undefined);
    if (health?.status === 200) break;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  const gone = () => (child.exitCode === null && child.signalCode === null ? once(child, "exit") : Promise.resolve());
  return {
    url,
    child,
    output: () => output,
    async kill() {
      const left = gone();
      child.kill("SIGKILL");
      await left;
    },
    async stop() {
      const left = gone();
      child.kill("SIGTERM");
      await left;
      return child.exitCode;
    },
  };
}
