import moleculer from "moleculer";
import { contracts } from "../services/contracts.ts";
import { keepContracts } from "../services/shared/contract.middleware.ts";
import type { ActionContract } from "../services/shared/contract.ts";
import { noFigures } from "../services/shared/figures.ts";
import { Refusal } from "../services/shared/refusal.ts";
import type { Chance } from "./chance.ts";
import { frozen } from "./memory.adapter.ts";
import type { SimulatedNode } from "./node.ts";
import type { StagedService } from "./stage.ts";
import type { Timeline } from "./timeline.ts";
import type { CallFault, Weather } from "./weather.ts";

const { ServiceNotFoundError, RequestTimeoutError } = moleculer.Errors;

/** As in moleculer.config.ts. */
const REQUEST_TIMEOUT_MS = 5_000;
const LATEST_MS = 9_000;

const known = Object.assign({}, ...Object.values(contracts).map(({ actions }) => actions)) as Record<
  string,
  ActionContract
>;
/** A number for each name, for the trace. */
const numbers = new Map<string, number>();
function numberOf(name: string): number {
  const known = numbers.get(name);
  if (known !== undefined) return known;
  const number = hash(name);
  numbers.set(name, number);
  return number;
}

interface Ctx {
  params: unknown;
  meta: object;
  call: (name: string, params: unknown, options?: Options) => Promise<unknown>;
  handle(ctx: Ctx): unknown;
}
interface Options {
  timeout?: number;
  meta?: object;
}

/** The production middleware around any action, made once for each: it compiles what it checks by. */
const strict = keepContracts({ checkResults: true, figures: noFigures() });
const checked = new Map<string, (ctx: Ctx) => Promise<unknown>>();
function checking(name: string): (ctx: Ctx) => Promise<unknown> {
  const ready = checked.get(name);
  if (ready) return ready;
  const handle = (ctx: Ctx) => Promise.resolve(ctx.handle(ctx));
  const made = strict.localAction?.call({} as never, handle as never, { name } as never) as unknown as typeof handle;
  checked.set(name, made);
  return made;
}

/** What is written down of what happens, while somebody looks. */
export type Recorder = (where: string, text: string, about: unknown) => void;

/** One node's services, as the bus reaches them. */
export interface Member {
  node: SimulatedNode;
  services: ReadonlyMap<string, StagedService>;
  /** Questions that it is at. */
  busy: number;
}

interface Way {
  timeline: Timeline;
  chance: Chance;
  weather: Weather;
  /** Questions about the same go to the same node, as `meetBy` wants it. */
  meets: boolean;
  /** Params and answers are validated and copied. */
  checks: boolean;
  record: Recorder | undefined;
  /** Who answers for the services that are not simulated. */
  outside: (name: string, params: unknown) => unknown;
}

/** Carries questions and answers between nodes; what becomes of them is drawn. */
export class Bus {
  members: Member[] = [];
  readonly #way: Way;

  constructor(way: Way) {
    this.#way = way;
  }

  /** As Moleculer's `broker.call`, from one of the nodes. */
  call(from: SimulatedNode, name: string, params: unknown, options: Options = {}): Promise<unknown> {
    const { timeline, record } = this.#way;
    const timeoutMs = options.timeout ?? known[name]?.timeoutMs ?? REQUEST_TIMEOUT_MS;
    timeline.mix(numberOf(name));
    const given = this.#way.checks ? params : frozen(params);
    return new Promise((resolve, reject) => {
      const timer = from.schedule(timeoutMs, () => {
        record?.(from.name, `${name}: no answer in ${timeoutMs / 1000} s`, params);
        reject(new RequestTimeoutError({ action: name, nodeID: from.name }));
      });
      const settle = (then: () => void) => {
        timer.happen = undefined;
        then();
      };
      this.#send(from, name, given, options.meta ?? {}, {
        answer: (answer) => settle(() => resolve(answer)),
        fail: (error) => settle(() => reject(error)),
      });
    });
  }

  #send(from: SimulatedNode, name: string, params: unknown, meta: object, back: Back): void {
    const { weather, record } = this.#way;
    const [service = ""] = name.split(".", 1);
    if (service === "catalog") {
      back.answer(this.#way.outside(name, params));
      return;
    }
    const to = this.#endpoint(from, service, name, params);
    if (!to) {
      record?.(from.name, `${name}: nobody is there`, params);
      back.fail(new ServiceNotFoundError({ action: name, nodeID: from.name }));
      return;
    }
    if (to.node === from) {
      this.#handle(to, name, params, meta, back);
      return;
    }
    const fault = weather.onCall();
    record?.(from.name, `${name} → ${to.node.name}${fault ? ` (${fault})` : ""}`, params);
    this.#carry(from, to, name, params, meta, back, fault);
  }

  #carry(
    from: SimulatedNode,
    to: Member,
    name: string,
    params: unknown,
    meta: object,
    back: Back,
    fault: CallFault | undefined,
  ): void {
    const { chance, record } = this.#way;
    const arrive = () => {
      if (to.node.isCutOff || from.isCutOff) return;
      this.#handle(to, name, params, meta, {
        answer: (answer) => returning(() => back.answer(answer)),
        fail: (error) => returning(() => back.fail(error)),
      });
    };
    const returning = (then: () => void) => {
      if (to.node.isCutOff || from.isCutOff || fault === "answerLost") return;
      record?.(
        to.node.name,
        `${name} answered${fault === "answerFails" || fault === "answerLate" ? ` (${fault})` : ""}`,
        params,
      );
      from.schedule(
        this.#takes(fault === "answerLate"),
        fault === "answerFails" ? () => back.fail(this.#failure()) : then,
      );
    };
    if (fault === "requestFails") from.schedule(this.#takes(false), () => back.fail(this.#failure()));
    if (fault === "requestFails" || fault === "requestLost") return;
    to.node.schedule(this.#takes(fault === "requestLate"), arrive);
    if (fault === "requestTwice") to.node.schedule(this.#takes(chance.is(0.5)), arrive);
  }

  /** How long a message is on its way. */
  #takes(isLate: boolean): number {
    const { chance, timeline, weather } = this.#way;
    if (!isLate) return chance.between(0.1, 1.5);
    const ms = chance.between(10, LATEST_MS);
    weather.lastsUntil(timeline.now + ms);
    return ms;
  }

  #handle(to: Member, name: string, params: unknown, meta: object, back: Back): void {
    const [service = "", action = ""] = name.split(".");
    const handler = to.node.isUp ? to.services.get(service)?.handler(action) : undefined;
    if (!handler) {
      back.fail(new ServiceNotFoundError({ action: name, nodeID: to.node.name }));
      return;
    }
    const ctx: Ctx = {
      params,
      meta,
      call: (next, params, options) =>
        this.call(to.node, next, params, { ...options, meta: { ...meta, ...options?.meta } }),
      handle: handler,
    };
    to.busy++;
    this.#answer(name, ctx).then(
      (answer) => {
        to.busy--;
        back.answer(answer);
      },
      (error) => {
        to.busy--;
        back.fail(error);
      },
    );
  }

  async #answer(name: string, ctx: Ctx): Promise<unknown> {
    return this.#way.checks ? checking(name)(ctx) : frozen((await ctx.handle(ctx)) ?? null);
  }

  /** A node that has the service itself asks itself, as Moleculer does. */
  #endpoint(from: SimulatedNode, service: string, name: string, params: unknown): Member | undefined {
    const { chance, meets } = this.#way;
    const able = this.members.filter(
      ({ node, services }) => services.has(service) && (node === from ? node.isUp : node.isBelieved),
    );
    const own = able.find(({ node }) => node === from);
    if (own || able.length < 2) return own ?? able[0];
    const path = known[name]?.meetBy;
    return meets && path ? able[hash(valueAt(params, path)) % able.length] : chance.pick(able);
  }

  #failure(): Error {
    const { chance } = this.#way;
    return chance.is(0.5) ? new Error("the wire was cut") : new Refusal("unavailable");
  }
}

interface Back {
  answer(answer: unknown): void;
  fail(error: unknown): void;
}

const valueAt = (params: unknown, path: string): string =>
  String(
    path.split(".").reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], params),
  );

function hash(text: string): number {
  let sum = 7;
  for (let n = 0; n < text.length; n++) sum = (Math.imul(sum, 31) + text.charCodeAt(n)) >>> 0;
  return sum;
}
