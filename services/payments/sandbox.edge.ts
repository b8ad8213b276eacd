import { Compile } from "typebox/compile";
import { type Charge as SandboxCharge, Settled } from "../sandbox/sandbox.contract.ts";
import { Type } from "../shared/schema.ts";
import type { Actions, Cluster, Params } from "../shared/typed.ts";
import type { Charge, ListedCharge, Provider } from "./provider.ts";
import { checkSignature } from "./signature.edge.ts";

type Asked = keyof Actions & `sandbox.${string}`;

const TIMEOUT_MS = 2_000;

/** Of an event only what is needed is looked at: providers add to them without asking. */
const Event = Compile(Type.Object({ data: Type.Object({ key: Settled.properties.key }) }));

/** The sandbox as a provider: it is asked over the bus, with a short time-out, and its word is its charges. */
export function sandboxProvider(cluster: Pick<Cluster, "call">): Provider {
  const ask = <Name extends Asked>(name: Name, params: Params<Name>) =>
    cluster.call(name, params, { timeout: TIMEOUT_MS });
  let secret: string | undefined;

  return {
    authorize: async ({ key, token, amount, about }) =>
      chargeOf(await ask("sandbox.authorize", { key, token, ...amount, ...about })),
    capture: async ({ key, total }) => chargeOf(await ask("sandbox.capture", { key, amount: total })),
    cancel: async ({ key }) => chargeOf(await ask("sandbox.cancel", { key })),
    refund: async (asked) => chargeOf(await ask("sandbox.refund", asked)),
    async lookUp({ key }) {
      const charge = await ask("sandbox.lookUp", { key });
      return charge && chargeOf(charge);
    },
    async *charges() {
      let cursor: string | undefined;
      do {
        const page = await ask("sandbox.charges", { limit: 100, ...(cursor ? { cursor } : {}) });
        yield* page.data.map(listed);
        cursor = page.nextCursor ?? undefined;
      } while (cursor);
    },
    record: (asked) => ask("sandbox.audit", asked),
    async readWebhook(body, signature, nowMs) {
      secret ??= (await ask("sandbox.webhookSecret", {})).secret;
      checkSignature(body, signature, secret, nowMs);
      const event = parsed(body);
      return Event.Check(event) ? event.data.key : null;
    },
  };
}

const chargeOf = ({ id, status, captured, closed, refunds, failure }: SandboxCharge): Charge => ({
  status,
  captured,
  closed,
  refunds,
  failure,
  nextAction: status === "requires_action" ? { type: "redirect", url: `/v1/sandbox/charges/${id}` } : null,
});

const listed = (charge: SandboxCharge): ListedCharge => {
  const { id, key, amount, currency, createdAt, orderId = null, email = null } = charge;
  return { ...chargeOf(charge), id, key, amount: { amount, currency }, createdAt, orderId, email };
};

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
