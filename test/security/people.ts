import { realWorld, type World } from "../../services/shared/world.ts";
import { address, adminOf, Client } from "../client.ts";
import { openShop, type Shop } from "../shop.ts";

/** Everything that somebody gives to the shop has this in it, so that it is found wherever it should not be. */
export const canaryOf = (name: string): string => `canary-of-${name}`;

export interface Person {
  name: string;
  client: Client;
  id: string;
  accessToken: string;
  refreshToken: string;
}

export const password = "seven salty sardines";
export const emailOf = (name: string): string => `${canaryOf(name)}@lonja.test`;

/** A shop with people of every kind in it, two of whom have bought something. */
export interface Town {
  shop: Shop;
  admin: Client;
  /** Signed in, each by the name that says what they are. */
  people: Record<"ana" | "bea" | "staff" | "gone", Person>;
  guest: Client;
  /** A record of Ana's of each kind, by what its id begins with. */
  anas: Record<string, string>;
  /** With which a guest would read Ana's order. */
  anasGuestToken: string;
  /** Sets the shop's clock so far ahead, for as long as something takes. */
  later<T>(ms: number, work: () => Promise<T>): Promise<T>;
}

export async function openTown(env: Record<string, string> = {}): Promise<Town> {
  let aheadMs = 0;
  const world: World = { ...realWorld, now: () => realWorld.now() + aheadMs };
  const shop = await openShop({ world, env: { DEMO: "on", ...env } });
  const admin = await adminOf(shop.url);
  const join = (name: string) => signUp(shop.url, name);
  const people = {
    ana: await join("ana"),
    bea: await join("bea"),
    staff: await join("staff"),
    gone: await join("gone"),
  };
  await admin.send("PATCH", `/v1/admin/users/${people.staff.id}`, { role: "staff" });
  await signIn(people.staff);
  await admin.send("PATCH", `/v1/admin/users/${people.gone.id}`, { disabled: true });
  const order = await bought(people.ana, "tok_3ds");
  await bought(people.bea);
  const charge = order.payment.nextAction.url.split("/").at(-1);
  await people.ana.client.post(`/v1/sandbox/charges/${charge}/confirm`, { approve: true });
  for (let tries = 0; (await people.ana.client.get(`/v1/orders/${order.id}/invoice`)).status !== 200; tries++) {
    if (tries > 200) throw new Error("Ana's order was never paid.");
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return {
    shop,
    admin,
    people,
    guest: new Client(shop.url),
    anas: { ord: order.id, pay: order.payment.id, usr: people.ana.id, ch: charge },
    anasGuestToken: order.guestToken,
    async later(ms, work) {
      aheadMs = ms;
      return work().finally(() => {
        aheadMs = 0;
      });
    },
  };
}

/** Opens an account whose every word is a canary. */
export async function signUp(url: string, name: string): Promise<Person> {
  const guest = new Client(url);
  const { body } = await guest.post("/v1/auth/register", { email: emailOf(name), password, name: canaryOf(name) });
  return personOf(url, name, body);
}

/** The same person with the tokens of today. */
async function signIn(person: Person): Promise<void> {
  const { body } = await new Client(person.client.url).post("/v1/auth/login", {
    email: emailOf(person.name),
    password,
  });
  Object.assign(person, personOf(person.client.url, person.name, body));
}

const personOf = (
  url: string,
  name: string,
  session: { user: { id: string }; accessToken: string; refreshToken: string },
): Person => ({
  name,
  id: session.user.id,
  accessToken: session.accessToken,
  refreshToken: session.refreshToken,
  client: new Client(url, { authorization: `Bearer ${session.accessToken}` }),
});

/** A purchase that says who has made it in every field. */
// biome-ignore lint/suspicious/noExplicitAny: the order, as the outside world reads it.
export async function bought({ name, client }: Person, token = "tok_visa"): Promise<any> {
  const mine = canaryOf(name);
  const { status, body, text } = await client.buy({
    email: emailOf(name),
    lines: [{ sku: "MUG-SALT", quantity: 2 }],
    shippingAddress: { ...address, name: mine, line1: mine, city: mine, phone: mine.slice(0, 40), company: mine },
    payment: { token },
  });
  if (status !== 201) throw new Error(`nothing bought: ${status} ${text}`);
  return body;
}
