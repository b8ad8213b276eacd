import { hostname } from "node:os";
import { findInvitation } from "./invitation.ts";

type Environment = Record<string, string | undefined>;

/** What belongs to the node in whose container this one may run: its stores, its ports, its name, its log. */
const itsNode = /^((\w+_)?STORE|SERVICES|PORT|HOST|HEALTH_PORT|NODE_ID|CACHER|LOG_\w+|OTEL_\w+)(_FILE)?$/;
/** What belongs to the shop. */
const itsShop =
  /^(ADMIN_\w+|PAYMENT_\w+|STRIPE_\w+|SMTP_URL|MAIL_FROM|CURRENCY|SHOP_NAME|CORS_ORIGINS|TRUSTED_PROXIES|RATE_LIMIT|DEMO)(_FILE)?$/;

/** No cluster to join. */
export class NoCluster extends Error {
  override readonly name = "NoCluster";
}

/**
 * The environment of a visitor, made of the one that is there: what it does not need is not read, so that a mistake in
 * it is for others to find. Without a TRANSPORTER, the cluster on this machine is joined that has left an invitation.
 */
export function visitorsEnvironment(given: Environment): Environment {
  const mine = Object.fromEntries(Object.entries(given).filter(([name]) => !itsNode.test(name) && !itsShop.test(name)));
  if (given.TRANSPORTER || given.TRANSPORTER_FILE) return mine;
  const invitation = findInvitation(given.DATA_DIR);
  if (!invitation)
    throw new NoCluster(
      "No cluster to join: set TRANSPORTER and BUS_SECRET as its nodes have them, or start one beside this with npm run cluster.",
    );
  for (const name of Object.keys(invitation)) delete mine[`${name}_FILE`];
  return { ...mine, ...invitation };
}

/** Makes that the environment of this process, before anything is made by it. */
export function becomeVisitor(): void {
  const mine = visitorsEnvironment(process.env);
  for (const name of Object.keys(process.env)) if (!(name in mine)) delete process.env[name];
  Object.assign(process.env, mine);
}

/** A name that no node has, nor any other visitor. */
export const visitorsName = (chance: string): string => `repl-${hostname().slice(0, 40)}-${process.pid}-${chance}`;
