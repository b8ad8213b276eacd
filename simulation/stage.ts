import moleculer, { type ServiceSchema } from "moleculer";
import type { OpenStore } from "../mixins/stores.ts";
import inventory from "../services/inventory/inventory.service.ts";
import notifications from "../services/notifications/notifications.service.ts";
import orders from "../services/orders/orders.service.ts";
import payments from "../services/payments/payments.service.ts";
import sandbox from "../services/sandbox/sandbox.service.ts";
import { noFigures } from "../services/shared/figures.ts";
import { readSettings, type Settings } from "../services/shared/settings.ts";
import type { SimulatedNode } from "./node.ts";

/** The services that are simulated, as they are in production. */
const services = { inventory, orders, payments, sandbox, notifications };
export type StagedName = keyof typeof services;
export const stagedNames = Object.keys(services) as StagedName[];

type Handler = (this: object, ctx: unknown) => unknown;
/** What Moleculer makes of a service and its mixins. */
export interface Merged {
  name: StagedName;
  actions: Record<string, Handler | { handler: Handler }>;
  methods: Record<string, (...given: never[]) => unknown>;
  events: Record<string, Handler | { handler: Handler }>;
  hears: Record<string, (this: object, fact: { id: string; type: string; data: unknown }) => unknown>;
  created: ((this: object) => void)[];
  started: ((this: object) => unknown)[];
  stopped: ((this: object) => unknown)[];
}

/** Moleculer's own merging: it needs nothing of a broker. */
const { applyMixins } = (moleculer as unknown as { Service: { prototype: { applyMixins(schema: unknown): Merged } } })
  .Service.prototype;
const listed = ["created", "started", "stopped"] as const;

export function merged(name: StagedName): Merged {
  const schema = applyMixins.call(moleculer.Service.prototype, services[name] as unknown as ServiceSchema);
  for (const key of listed) Object.assign(schema, { [key]: [schema[key] ?? []].flat() });
  return { ...schema, methods: schema.methods ?? {}, events: schema.events ?? {}, hears: schema.hears ?? {} };
}

const settings: Settings = readSettings({ DEMO: "off", ADMIN_PASSWORD: "not asked for here" });
export const settingsWith = (paymentCapture: Settings["paymentCapture"]): Settings => ({ ...settings, paymentCapture });

const handlerOf = (definition: Handler | { handler: Handler }): Handler =>
  typeof definition === "function" ? definition : definition.handler;

export type Call = (name: string, params: unknown, options?: { timeout?: number; meta?: object }) => Promise<unknown>;

/** What handlers look at in a context. */
export interface AskedFor {
  params: unknown;
}

interface Surroundings {
  node: SimulatedNode;
  call: Call;
  openStore: OpenStore;
  shop: Settings;
  log(text: string): void;
}

/** A service as its code sees itself, on a node. */
export class StagedService {
  readonly self: Record<string, unknown> & { broker: { stopping: boolean } };
  readonly #schema: Merged;
  readonly #handlers = new Map<string, (ctx: AskedFor) => unknown>();

  constructor(schema: Merged, { node, call, openStore, shop, log }: Surroundings) {
    this.#schema = schema;
    const logger = { info() {}, debug() {}, trace() {}, warn: log, error: log, fatal: log };
    const broker = { call, openStore, nodeID: node.name, stopping: false };
    this.self = { name: schema.name, schema, broker, logger, world: node.world, shop, figures: noFigures() };
    for (const [name, method] of Object.entries(schema.methods)) this.self[name] = method.bind(this.self as never);
    for (const created of schema.created) created.call(this.self);
  }

  async start(): Promise<void> {
    for (const started of this.#schema.started) await started.call(this.self);
  }

  async stop(): Promise<void> {
    for (const stopped of this.#schema.stopped.toReversed()) await stopped.call(this.self);
  }

  /** What it answers with; undefined where it has no such action. */
  handler(action: string): ((ctx: AskedFor) => unknown) | undefined {
    const known = this.#handlers.get(action);
    const definition = this.#schema.actions[action];
    if (known || !definition) return known;
    const made = handlerOf(definition).bind(this.self);
    this.#handlers.set(action, made);
    return made;
  }

  /** Puts something else in the place of an action, which may still be asked. */
  around(action: string, other: (handler: (ctx: AskedFor) => unknown, ctx: AskedFor) => unknown): void {
    const handler = this.handler(action);
    if (handler) this.#handlers.set(action, (ctx) => other(handler, ctx));
  }

  /** The others on the bus have changed. */
  notice(event: string): void {
    const definition = this.#schema.events[event];
    if (definition) handlerOf(definition).call(this.self, {});
  }
}
