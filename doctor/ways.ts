import type { Way } from "../repl/doctor.ts";
import type { Report } from "../services/doctor/doctor.contract.ts";
import { Refusal } from "../services/shared/refusal.ts";

/** A shop that can be examined, wherever it is. */
export interface Patient {
  /** For people: where it is. */
  place: string;
  examine(): Promise<Report>;
  /** Missing where nobody is there to repair anything. */
  repairing?: Way;
  leave(): Promise<unknown>;
}

/** The shop could not be examined, for a reason that an operator can put right. */
export class NoPatient extends Error {
  override readonly name = "NoPatient";
}

/** The cluster that the environment names, or the one that was started beside this. */
export async function inCluster(environment: Readonly<Record<string, string | undefined>>): Promise<Patient> {
  const [{ join }, { wayTo }] = await Promise.all([import("../repl/join.ts"), import("../repl/doctor.ts")]);
  const { desk, place } = await join(environment);
  const way = wayTo(desk);
  return { place, examine: way.examine, repairing: way, leave: () => desk.broker.stop() };
}

/** A shop at its door, as its staff come in. */
export async function atDoor(url: string, environment: Readonly<Record<string, string | undefined>>): Promise<Patient> {
  const { ADMIN_EMAIL: email = "admin@lonja.local", ADMIN_PASSWORD: password } = environment;
  if (!password)
    throw new NoPatient(`The shop at ${url} is open, and asks who comes in: set ADMIN_EMAIL and ADMIN_PASSWORD.`);
  const { accessToken } = await send<{ accessToken: string }>(url, "POST", "/v1/auth/login", undefined, {
    email,
    password,
  });
  const way: Way = {
    examine: () => send(url, "GET", "/v1/admin/doctor", accessToken),
    repair: () => send(url, "POST", "/v1/admin/doctor/repairs", accessToken, {}),
    repairs(limit, cursor) {
      const query = new URLSearchParams({ limit: String(limit), ...(cursor ? { cursor } : {}) });
      return send(url, "GET", `/v1/admin/doctor/repairs?${query}`, accessToken);
    },
  };
  return { place: url, examine: way.examine, repairing: way, leave: async () => {} };
}

async function send<T>(url: string, method: string, path: string, token?: string, body?: unknown): Promise<T> {
  const answer = await fetch(new URL(path, url), {
    method,
    headers: {
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch((error: Error & { cause?: Error }) => {
    throw new NoPatient(`Nobody answers at ${url}: ${error.cause?.message ?? error.message}.`);
  });
  const said = (await answer.json().catch(() => ({}))) as T & { code?: string; detail?: string; title?: string };
  if (answer.ok) return said;
  if (said.code === "unavailable") throw new Refusal("unavailable", said.detail);
  throw new NoPatient(
    `${method} ${path} at ${url} was answered by ${answer.status}: ${said.detail ?? said.title ?? ""}`,
  );
}
