import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Figures } from "../shared/figures.ts";

export interface OutboxState {
  service: string;
  waiting: number;
  deadLetters: number;
}

interface Sources {
  figures: Figures;
  inFlight(): number;
  /** Of the services that answer. */
  outboxes(): Promise<OutboxState[]>;
}

const counted: Record<keyof Figures, { name: string; help: string }> = {
  refusedPackets: {
    name: "lonja_bus_refused_packets_total",
    help: "Packets that this node has ignored, since no node of ours has signed them",
  },
  calls: { name: "lonja_calls_total", help: "Calls of actions that this node has answered" },
  writes: { name: "lonja_store_writes_total", help: "Documents written to the store" },
  commits: { name: "lonja_store_commits_total", help: "Commits, and so syncs of the disk" },
};

const waiting = {
  waiting: { name: "lonja_outbox_waiting", help: "Records with facts that wait for their delivery" },
  deadLetters: { name: "lonja_dead_letters", help: "Facts that could not be delivered and need to be looked at" },
};

/** The measures of one gateway, in Prometheus' text format. Labels are route patterns, never addresses. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<"method" | "route" | "status">;
  readonly #durations: Histogram<"method" | "route">;

  constructor({ figures, inFlight, outboxes }: Sources) {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.#requests = new Counter({
      name: "http_requests_total",
      help: "Requests that were answered",
      labelNames: ["method", "route", "status"],
      registers,
    });
    this.#durations = new Histogram({
      name: "http_request_duration_seconds",
      help: "From the arrival of a request to the end of its answer",
      labelNames: ["method", "route"],
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15],
      registers,
    });
    new Gauge({
      name: "http_requests_in_flight",
      help: "Requests that wait for their answer",
      registers,
      collect() {
        this.set(inFlight());
      },
    });
    countFigures(registers, figures);
    showOutboxes(registers, outboxes);
  }

  answered(method: string, route: string, status: number, seconds: number): void {
    this.#requests.inc({ method, route, status });
    this.#durations.observe({ method, route }, seconds);
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}

function countFigures(registers: Registry[], figures: Figures): void {
  for (const [figure, { name, help }] of Object.entries(counted))
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(figures[figure as keyof Figures]);
      },
    });
}

/** The services are asked once each time somebody looks, though several measures come of it. */
function showOutboxes(registers: Registry[], outboxes: Sources["outboxes"]): void {
  let asking: Promise<OutboxState[]> | undefined;
  const askOnce = () => {
    asking ??= outboxes().finally(() => {
      asking = undefined;
    });
    return asking;
  };
  for (const [kind, { name, help }] of Object.entries(waiting))
    new Gauge({
      name,
      help,
      registers,
      labelNames: ["service"],
      async collect() {
        this.reset();
        for (const state of await askOnce()) this.set({ service: state.service }, state[kind as keyof typeof waiting]);
      },
    });
}
