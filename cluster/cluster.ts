import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { styleText } from "node:util";
import { leaveInvitation } from "../repl/invitation.ts";
import { type Part, type Plan, planOf, UnusablePlan } from "./plan.ts";
import { type Exit, NodeProcess } from "./process.ts";

/**
 * A cluster on this machine: one process per service, or several. One that dies is started again; Ctrl-C stops
 * them all, the gateways first, so that whoever is inside is served to the end.
 */

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** Whoever has lived this long begins with the shortest pause again. */
const STEADY_MS = 60_000;
const LOOK_AGAIN_MS = 100;
const MEETING_POINTS = 3;
const colours = ["cyan", "yellow", "green", "magenta", "blue", "cyanBright", "yellowBright", "greenBright"] as const;

class Cluster {
  readonly #plan: Plan;
  readonly #running = new Map<string, NodeProcess>();
  readonly #stopping = new AbortController();
  readonly #width: number;
  #takeBackInvitation = () => {};

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#width = Math.max(...plan.parts.map(({ name }) => name.length));
  }

  /** False: one of them could not even start. Why, it has said itself. */
  async open(): Promise<boolean> {
    const first = await Promise.all(this.#plan.parts.map((part) => this.#start(part)));
    const failed = this.#plan.parts.filter((_, n) => !first[n]);
    if (this.#stopping.signal.aborted) return true;
    if (failed.length) {
      this.#say(`${failed.map(({ name }) => name).join(", ")} could not start.`, "red");
      return false;
    }
    for (const part of this.#plan.parts) void this.#watchOver(part);
    this.#invite();
    await Promise.all(this.#plan.urls.map((url) => this.#untilReady(url)));
    if (!this.#stopping.signal.aborted)
      this.#say(
        `The shop is open at ${this.#plan.urls.join(" and ")}, made of ${this.#plan.parts.length} processes. Ctrl-C closes it.`,
      );
    return true;
  }

  async close(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    this.#takeBackInvitation();
    const all = [...this.#running.values()];
    const isGateway = ({ name }: NodeProcess) => name.startsWith("gateway-");
    for (const group of [all.filter(isGateway), all.filter((node) => !isGateway(node))])
      await Promise.all(group.map((node) => node.stop()));
  }

  /** So that npm run repl finds this cluster. It runs without, too. */
  #invite(): void {
    const { invitation } = this.#plan;
    if (!invitation) return;
    try {
      this.#takeBackInvitation = leaveInvitation(process.env.DATA_DIR, invitation);
    } catch (error) {
      this.#say(`npm run repl cannot find this cluster: ${(error as Error).message}`, "red");
    }
  }

  killAll(): void {
    for (const node of this.#running.values()) void node.kill();
  }

  #start({ name, env }: Part): Promise<boolean> {
    const colour = process.stdout.isTTY ? { FORCE_COLOR: "1" } : { NO_COLOR: "1" };
    // A name that no earlier process has had, so that nothing is sent to one that is gone.
    const id = `${name}-${randomBytes(3).toString("hex")}`;
    const node = new NodeProcess(name, { ...process.env, ...colour, ...env, NODE_ID: id }, (line) =>
      this.#print(name, line),
    );
    this.#running.set(name, node);
    return node.opened;
  }

  /** Starts it again as often as it dies, with pauses that grow. */
  async #watchOver(part: Part): Promise<void> {
    for (let tries = 0; ; tries++) {
      const since = performance.now();
      const exit = await this.#running.get(part.name)?.gone;
      if (this.#stopping.signal.aborted || !exit) return;
      if (performance.now() - since > STEADY_MS) tries = 0;
      const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries);
      this.#say(`${part.name} has died (${wordsFor(exit)}). It starts again in ${pauseMs / 1000} s.`, "red");
      await pause(pauseMs, undefined, { signal: this.#stopping.signal }).catch(() => {});
      if (this.#stopping.signal.aborted) return;
      void this.#start(part).then((isOpen) => isOpen && this.#say(`${part.name} is back.`));
    }
  }

  async #untilReady(url: string): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const status = await fetch(`${url}/health/ready`).then(
        (answer) => answer.status,
        () => 0,
      );
      if (status === 200) return;
      await pause(LOOK_AGAIN_MS);
    }
  }

  /** Lines of JSON are for programs, and stay as they are: each names its node. */
  #print(name: string, line: string): void {
    if (line.startsWith("{")) process.stdout.write(`${line}\n`);
    else process.stdout.write(`${this.#label(name)}${line}\n`);
  }

  #say(text: string, colour: "bold" | "red" = "bold"): void {
    process.stdout.write(`${this.#label("cluster")}${styleText(colour, text, { stream: process.stdout })}\n`);
  }

  #label(name: string): string {
    const place = this.#plan.parts.findIndex((part) => part.name === name);
    const service = [...new Set(this.#plan.parts.map((part) => part.service))].indexOf(
      this.#plan.parts[place]?.service as Part["service"],
    );
    const colour = service < 0 ? "bold" : (colours[service % colours.length] ?? "bold");
    return `${styleText(colour, name.padEnd(this.#width), { stream: process.stdout })} | `;
  }
}

const wordsFor = ({ code, signal }: Exit) => (signal ? `by ${signal}` : `with code ${code}`);

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}

async function planOrStop(): Promise<Plan> {
  try {
    const madeUp = { secret: randomBytes(32).toString("base64url"), ports: await freePorts(MEETING_POINTS) };
    return planOf(process.argv.slice(2), process.env, madeUp);
  } catch (error) {
    if (!(error instanceof UnusablePlan)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
}

/** One Ctrl-C may arrive twice, from the terminal and from npm. Whoever asks again later does not want to wait. */
const SAME_SIGNAL_MS = 1_000;
const cluster = new Cluster(await planOrStop());
let askedAt: number | undefined;
const stop = async () => {
  if (askedAt !== undefined && performance.now() - askedAt > SAME_SIGNAL_MS) {
    cluster.killAll();
    process.exit(1);
  }
  if (askedAt !== undefined) return;
  askedAt = performance.now();
  await cluster.close();
  process.exit(0);
};
process.on("SIGTERM", stop);
process.on("SIGINT", stop);
process.on("SIGHUP", stop);
if (!(await cluster.open())) {
  await cluster.close();
  process.exit(1);
}
