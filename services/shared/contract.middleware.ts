import type { Context, Middleware, ServiceSchema } from "moleculer";
import type { TSchema } from "typebox";
import { Compile, type Validator } from "typebox/compile";
import { contracts } from "../contracts.ts";
import { type ActionContract, type Contract, MEETING, MOST_AT_ONCE } from "./contract.ts";
import { houseActions } from "./delivery.ts";
import type { Figures } from "./figures.ts";
import { plainCopy } from "./plain.ts";
import { type InputError, Refusal } from "./refusal.ts";

const contractsByName: Record<string, Contract> = contracts;

/** The contract of an action, by its whole name; undefined for what is not public to other services. */
function actionContract(
  name: string,
): Pick<ActionContract, "params" | "result" | "timeoutMs" | "meetBy" | "mostAtOnce"> | undefined {
  const [service = "", action = ""] = name.split(".", 2);
  return (
    contractsByName[service]?.actions[name] ??
    (service in contracts ? houseActions[action as keyof typeof houseActions] : undefined)
  );
}

/**
 * Holds every service to its contract: a service that lacks an action of its contract, or offers one
 * that is not in it, does not start; params are validated strictly and copied, results are copied, so
 * that a local call behaves like a remote one; a contract's time-out holds where the caller has none of
 * its own; no more calls of an action are under way than it says. `checkResults` also validates what is answered.
 */
export function keepContracts({ checkResults, figures }: { checkResults: boolean; figures: Figures }): Middleware {
  return {
    serviceCreating(_service, schema: ServiceSchema) {
      const mine = contractsByName[schema.name];
      if (mine) compareActions(mine, schema);
    },
    localAction(next, action) {
      const contract = actionContract(action.name ?? "");
      if (!contract) return next;
      if (contract.timeoutMs) Object.assign(action, { timeout: contract.timeoutMs });
      if (contract.meetBy) Object.assign(action, { strategy: MEETING, strategyOptions: { shardKey: contract.meetBy } });
      const params = lazily(contract.params);
      const result = lazily(contract.result);
      const answer = async (ctx: Context<unknown>) => {
        const given = ctx.params ?? {};
        if (!params().Check(given))
          throw new Refusal("invalid_input", undefined, { errors: inputErrors(params(), given) });
        ctx.params = plainCopy(given);
        const answer = plainCopy((await next.call(this as never, ctx)) ?? null);
        if (checkResults && !result().Check(answer))
          throw new Error(`${action.name} broke its contract: ${JSON.stringify(inputErrors(result(), answer))}`);
        return answer;
      };
      return limited(answer, contract.mostAtOnce ?? MOST_AT_ONCE, figures);
    },
  } satisfies Middleware as Middleware;
}

type Answer = (ctx: Context<unknown>) => Promise<unknown>;

/** What nobody waits for any more is still under way: it makes room when it is done, and not when its time is out. */
function limited(answer: Answer, mostAtOnce: number, figures: Figures): Answer {
  let underWay = 0;
  return async (ctx) => {
    figures.calls++;
    if (underWay >= mostAtOnce) {
      figures.crowdedCalls++;
      throw new Refusal("unavailable", "Too many are asking for this at once.", { retryAfterSeconds: 1 });
    }
    underWay++;
    return answer(ctx).finally(() => underWay--);
  };
}

function compareActions(mine: Contract, schema: ServiceSchema): void {
  const promised = Object.keys(mine.actions).map((name) => name.slice(mine.name.length + 1));
  const internal = new Set<string>([...Object.keys(houseActions), "rest"]);
  const offered = Object.entries(schema.actions ?? {}).flatMap(([name, action]) =>
    action === false || (internal.has(name) && !promised.includes(name)) ? [] : [name],
  );
  const lacking = promised.filter((name) => !offered.includes(name));
  const unknown = offered.filter((name) => !promised.includes(name));
  if (lacking.length) throw new Error(`Service ${mine.name} lacks ${lacking.join(", ")} of its contract.`);
  if (unknown.length)
    throw new Error(`Service ${mine.name} offers ${unknown.join(", ")}, which its contract does not name.`);
}

function lazily(schema: TSchema): () => Validator {
  let compiled: Validator | undefined;
  return () => (compiled ??= Compile(schema));
}

/** What is wrong, by path, each place once. */
export function inputErrors(validator: Validator, value: unknown): InputError[] {
  const byPath = new Map<string, string>();
  for (const { instancePath, keyword, message, params } of validator.Errors(value)) {
    if (keyword === "boolean") continue;
    const extra = (params as { additionalProperties?: string[] }).additionalProperties;
    for (const name of extra ?? [undefined]) {
      const path = [instancePath.slice(1), name]
        .filter((part) => part)
        .join("/")
        .slice(0, 200);
      if (!byPath.has(path)) byPath.set(path, extra ? "is not known here" : message);
    }
    if (byPath.size >= 20) break;
  }
  return [...byPath].map(([path, message]) => ({ path, message }));
}
