import { request as overHttp } from "node:http";
import { request as overTls } from "node:https";
import type { LookupFunction } from "node:net";
import type { World } from "../shared/world.ts";
import type { Guard, Reach } from "./address.edge.ts";
import type { Heard } from "./hook.ts";

/** One try to send something somewhere. */
export interface Callout {
  url: string;
  headers: Record<string, string>;
  body: string;
}

/** With the resolving of the name, and the reading of the answer. */
export const TRY_MS = 15_000;
const LONGEST_ANSWER = 64 * 1024;
const KEPT_ANSWER = 1024;

/** Posts it, and tells what came of it. It never throws: that nobody is there is news, too. `stop` calls it off. */
export async function callOut(callout: Callout, guard: Guard, world: World, stop: AbortSignal): Promise<Heard> {
  const tooLate = new AbortController();
  const callOff = world.after(TRY_MS, () => tooLate.abort());
  const ends = AbortSignal.any([stop, tooLate.signal]);
  try {
    return await post(callout, await unless(ends, guard.reach(callout.url)), ends);
  } catch (error) {
    return { error: ends.aborted ? `There was no answer within ${TRY_MS / 1000} s.` : messageOf(error as Error) };
  } finally {
    callOff();
  }
}

function unless<T>(ends: AbortSignal, work: Promise<T>): Promise<T> {
  const ended = Promise.withResolvers<never>();
  ends.addEventListener("abort", ended.reject);
  return Promise.race([work, ended.promise]);
}

/** Redirects are not followed: they are an answer like any other. */
function post({ headers, body }: Callout, { url, addresses }: Reach, signal: AbortSignal): Promise<Heard> {
  const { promise, resolve, reject } = Promise.withResolvers<Heard>();
  const request = url.protocol === "https:" ? overTls : overHttp;
  const options = {
    method: "POST",
    agent: false as const,
    signal,
    headers: {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      "user-agent": "Lonja-Webhooks",
      "accept-encoding": "identity",
      ...headers,
    },
    ...(addresses ? { lookup: lookupIn(addresses) } : {}),
  };
  const asked = request(url, options, (response) => {
    const kept: Buffer[] = [];
    let length = 0;
    const done = () => {
      const { statusCode: status = 0, headers } = response;
      resolve({ status, retryAfter: headers["retry-after"], response: excerptOf(Buffer.concat(kept)) });
      asked.destroy();
    };
    response.on("data", (part: Buffer) => {
      if (length < KEPT_ANSWER) kept.push(part.subarray(0, KEPT_ANSWER - length));
      length += part.length;
      if (length >= LONGEST_ANSWER) done();
    });
    // However the rest of it ends: what counts was said at its beginning.
    asked.off("error", reject).on("error", done);
    response.on("end", done).on("error", done).on("close", done);
  });
  asked.on("error", reject);
  asked.end(body);
  return promise;
}

/** Connects to what was checked, and to nothing that the name stands for by now. */
const lookupIn =
  (addresses: NonNullable<Reach["addresses"]>): LookupFunction =>
  (_host, { all }, found) => {
    const [first] = addresses;
    if (all) found(null, [...addresses]);
    else found(null, first?.address ?? "", first?.family);
  };

const excerptOf = (bytes: Buffer): string =>
  bytes.toString("utf8").replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, "\ufffd");

/** Of several addresses that were tried in vain, the first says why. */
function messageOf(error: Error & { errors?: Error[] }): string {
  const { message } = error.errors?.[0] ?? error;
  return error.name === "Unreachable" ? `The URL ${message}.` : message;
}
