import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { asStarted } from "../cluster/process.ts";
import { isRefusal, Lonja, type RefusalCode } from "../sdk/src/index.ts";
import { answer, parts, request } from "./print.ts";

export interface Shop {
  url: string;
  /** Somebody who has no account, and staff, once they have signed in. */
  guest: Lonja;
  clerk: Lonja;
  /** Staff's scenes are left out without it. */
  admin: { email: string; password: string } | undefined;
  /** Whether it was started for the demo and goes away with it. */
  own: boolean;
  close(): Promise<void>;
}

/** The shop did not answer as told. */
export class Surprise extends Error {
  override readonly name = "Surprise";
}

export function check(isSo: boolean, otherwise: string): void {
  if (!isSo) throw new Surprise(otherwise);
}

export async function until<T>(what: string, read: () => Promise<T>, isSo: (value: T) => boolean): Promise<T> {
  const end = performance.now() + 60_000;
  for (;;) {
    const value = await read();
    if (isSo(value)) return value;
    check(performance.now() < end, `After a minute still not so: ${what}.`);
    await pause(200);
  }
}

const replayed = "idempotent-replayed";

/** A `fetch` that writes down what is asked and answered: of the answer these parts, and of the question not what is hidden. */
export const shown =
  (show: readonly string[], hidden: object = {}): typeof fetch =>
  async (input, init = {}) => {
    const { pathname, search } = new URL(String(input));
    const { "content-type": _type, ...headers } = Object.fromEntries(new Headers(init.headers));
    request(
      `${init.method} ${pathname}${search}`,
      headers,
      init.body && { ...JSON.parse(String(init.body)), ...hidden },
    );
    const start = performance.now();
    const response = await fetch(input, init);
    const text = await response.clone().text();
    const repeated = response.headers.get(replayed);
    const told = repeated ? { [replayed]: repeated } : {};
    answer(response.status, performance.now() - start, told, parts(text ? JSON.parse(text) : undefined, show));
    return response;
  };

/** The shop is to say no, with this code. */
export async function refuses(asked: Promise<unknown>, code: RefusalCode): Promise<void> {
  const answered = await asked.then(
    () => "said yes",
    (error) => {
      if (!isRefusal(error)) throw error;
      return error.code;
    },
  );
  check(answered === code, `The shop was to refuse with ${code}, and did otherwise: ${answered}.`);
}

/** The shop at LONJA_URL; without it the one that answers here, or else one that is started for the demo. */
export async function findShop({ LONJA_URL, ADMIN_EMAIL, ADMIN_PASSWORD }: NodeJS.ProcessEnv): Promise<Shop> {
  const url = (LONJA_URL || "http://127.0.0.1:3000").replace(/\/+$/, "");
  const isThere = await answers(url, "live");
  check(isThere || !LONJA_URL, `No shop answers at ${url}.`);
  if (!isThere) return startShop();
  const admin = ADMIN_PASSWORD ? { email: ADMIN_EMAIL || "admin@lonja.local", password: ADMIN_PASSWORD } : undefined;
  return { url, ...peopleAt(url), admin, own: false, close: async () => {} };
}

const peopleAt = (url: string) => ({ guest: new Lonja({ url }), clerk: new Lonja({ url }) });

/** Whether a shop answers there: something else may have the port. */
const answers = (url: string, probe: "live" | "ready"): Promise<boolean> =>
  fetch(`${url}/health/${probe}`, { signal: AbortSignal.timeout(2_000) })
    .then(async (response) => response.ok && ((await response.json()) as { status?: string }).status === "ok")
    .catch(() => false);

async function startShop(): Promise<Shop> {
  const dataDir = mkdtempSync(join(tmpdir(), "lonja-demo-"));
  const admin = { email: "admin@demo.lonja.local", password: "demo, and only for the demo" };
  const port = String(await freePort());
  const child = spawn(process.execPath, asStarted, {
    cwd: join(import.meta.dirname, ".."),
    env: {
      ...{ PATH: process.env.PATH, HOME: process.env.HOME },
      ...{ PORT: port, DATA_DIR: dataDir, DEMO: "on", LOG_LEVEL: "warn" },
      ...{ ADMIN_EMAIL: admin.email, ADMIN_PASSWORD: admin.password },
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const clearUp = () => rmSync(dataDir, { recursive: true, force: true, maxRetries: 3 });
  const drop = () => {
    child.kill("SIGKILL");
    clearUp();
  };
  process.once("exit", drop);
  const close = async () => {
    await stop(child);
    process.off("exit", drop);
    clearUp();
  };
  const url = `http://127.0.0.1:${port}`;
  try {
    await untilReady(child, url);
  } catch (error) {
    await close();
    throw error;
  }
  return { url, ...peopleAt(url), admin, own: true, close };
}

async function untilReady(child: ChildProcess, url: string): Promise<void> {
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (text: Buffer) => {
      said = (said + text).slice(-4000);
    });
  const isOver = () => child.exitCode !== null || child.signalCode !== null;
  await until(
    "the shop is ready",
    () => answers(url, "ready"),
    (ready) => ready || isOver(),
  ).catch(() => {});
  check(!isOver() && (await answers(url, "ready")), `The shop did not start:\n${said}`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const over = once(child, "exit");
  child.kill("SIGTERM");
  const patience = setTimeout(() => child.kill("SIGKILL"), 20_000);
  await over;
  clearTimeout(patience);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
