import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Figures } from "../shared/figures.ts";
import type { RoomName } from "./rooms.ts";
import type { Ending } from "./stream.edge.ts";

export interface OutboxState {
  service: string;
  waiting: number;
  lagSeconds: number;
  deadLetters: number;
}

/** What the latest examination of the shop has found. */
export interface Health {
  ok: boolean;
  endedAt: string;
  /** Per check; -1 where it could not be looked at. */
  found: Readonly<Record<string, number>>;
}

export interface WebhookState {
  waiting: number;
  dead: number;
  disabledEndpoints: number;
}

interface Sources {
  figures: Figures;
  inFlight(): number;
  streams(): number;
  /** Of the services that answer. */
  outboxes(): Promise<OutboxState[]>;
  /** Undefined before the first examination, and while doctor is away. */
  health(): Promise<Health | undefined>;
  /** None while notifications do not answer. */
  webhooks(): Promise<WebhookState | undefined>;
}

const counted: Record<keyof Figures, { name: string; help: string }> = {
  refusedPackets: {
    name: "lonja_bus_refused_packets_total",
    help: "Packets that this node has ignored, since no node of ours has signed them",
  },
  lateCalls: {
    name: "lonja_calls_late_total",
    help: "Calls that came when nobody waited for their answer any more, and were not begun",
  },
  crowdedCalls: {
    name: "lonja_calls_crowded_total",
    help: "Calls that were refused, since as many of the same action were under way as may be",
  },
  calls: { name: "lonja_calls_total", help: "Calls of actions that this node has answered" },
  writes: { name: "lonja_store_writes_total", help: "Documents written to the store" },
  commits: { name: "lonja_store_commits_total", help: "Commits, and so syncs of the disk" },
};

const waiting = {
  waiting: { name: "lonja_outbox_waiting", help: "Records with facts that wait for their delivery" },
  lagSeconds: { name: "lonja_outbox_lag_seconds", help: "How long the oldest fact has waited for its delivery" },
  deadLetters: { name: "lonja_dead_letters", help: "Facts that could not be delivered and need to be looked at" },
};

const sent: Record<keyof WebhookState, { name: string; help: string }> = {
  waiting: { name: "lonja_webhooks_waiting", help: "Webhooks that are still to be delivered" },
  dead: { name: "lonja_webhooks_dead", help: "Webhooks that were given up and can be delivered once more by hand" },
  disabledEndpoints: {
    name: "lonja_webhook_endpoints_disabled",
    help: "Endpoints that were switched off because they were gone, or have taken nothing for days",
  },
};

/** The measures of one gateway, in Prometheus' text format. Labels are route patterns, never addresses. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<"method" | "route" | "status">;
  readonly #durations: Histogram<"method" | "route">;
  readonly #turnedAway: Counter<"room">;
  readonly #streamsEnded: Counter<"why">;

  constructor({ figures, inFlight, streams, outboxes, webhooks, health }: Sources) {
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
    this.#turnedAway = new Counter({
      name: "lonja_turned_away_total",
      help: "Requests that were answered with 503 at the door, since there was no room for them",
      labelNames: ["room"],
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
    this.#streamsEnded = new Counter({
      name: "lonja_streams_ended_total",
      help: "Streams that have come to their end: left by their listener, or ended by the gateway",
      labelNames: ["why"],
      registers,
    });
    new Gauge({
      name: "lonja_streams_open",
      help: "Lists that somebody is following by server-sent events",
      registers,
      collect() {
        this.set(streams());
      },
    });
    countFigures(registers, figures);
    showOutboxes(registers, outboxes);
    showWebhooks(registers, webhooks);
    showHealth(registers, health);
  }

  answered(method: string, route: string, status: number, seconds: number): void {
    this.#requests.inc({ method, route, status });
    this.#durations.observe({ method, route }, seconds);
  }

  turnedAway(room: RoomName): void {
    this.#turnedAway.inc({ room });
  }

  streamEnded(why: Ending): void {
    this.#streamsEnded.inc({ why });
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

/** Asked once each time somebody looks, though several measures come of it. */
function together<T>(ask: () => Promise<T>): () => Promise<T> {
  let asking: Promise<T> | undefined;
  return () => {
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    return asking;
  };
}

/** Without an examination there is nothing to be shown: neither that all is well, nor that it is not. */
function showHealth(registers: Registry[], health: Sources["health"]): void {
  const askOnce = together(health);
  const show = (name: string, help: string, write: (gauge: Gauge<"check">, health: Health) => void) =>
    new Gauge({
      name,
      help,
      registers,
      labelNames: ["check"],
      async collect() {
        this.reset();
        const latest = await askOnce();
        if (latest) write(this, latest);
      },
    });
  show("lonja_doctor_ok", "1 if the latest examination has found nothing wrong", (gauge, { ok }) =>
    gauge.set(ok ? 1 : 0),
  );
  show("lonja_doctor_examined_timestamp_seconds", "When the latest examination ended", (gauge, { endedAt }) =>
    gauge.set(Date.parse(endedAt) / 1000),
  );
  show(
    "lonja_doctor_findings",
    "What the latest examination has found wrong, by check; -1 where it could not look",
    (gauge, { found }) => {
      for (const [check, count] of Object.entries(found)) gauge.set({ check }, count);
    },
  );
}

function showOutboxes(registers: Registry[], outboxes: Sources["outboxes"]): void {
  const askOnce = together(outboxes);
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

/** What is not known is not shown as 0. */
function showWebhooks(registers: Registry[], webhooks: Sources["webhooks"]): void {
  const askOnce = together(webhooks);
  for (const [kind, { name, help }] of Object.entries(sent))
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        const state = await askOnce();
        this.remove();
        if (state) this.set(state[kind as keyof WebhookState]);
      },
    });
}
