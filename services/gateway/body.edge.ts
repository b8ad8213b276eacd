import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { Rest } from "../shared/contract.ts";
import { Refusal } from "../shared/refusal.ts";
import type { World } from "../shared/world.ts";

/** What a body of each kind may be, how large, and how long it may take to arrive. */
const kinds = {
  "application/json": { is: /^application\/json$/i, bytes: 64 * 1024, ms: 15_000 },
  "text/csv": { is: /^text\/csv$/i, bytes: 20_000_000, ms: 120_000 },
  raw: { is: /./, bytes: 100_000, ms: 15_000 },
} as const;

/** The whole net under the limits of each kind. */
export const SLOWEST_BODY_MS = 130_000;

export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";

/** The body as text. Nothing is read of one whose headers say already that it will not do. */
export async function readBody(
  request: IncomingMessage,
  takes: NonNullable<Rest["takes"]>,
  world: World,
): Promise<string> {
  if (!hasBody(request)) return "";
  if (request.destroyed) throw endedEarly();
  const kind = kinds[takes];
  const [type = "", ...parameters] = (request.headers["content-type"] ?? "").split(";").map((part) => part.trim());
  const isPlain = (request.headers["content-encoding"] ?? "identity") === "identity";
  if (!isPlain) throw new Refusal("unsupported_media_type", "Bodies are not taken compressed.");
  if (takes !== "raw" && !(kind.is.test(type) && parameters.every((one) => /^charset="?utf-8"?$/i.test(one))))
    throw new Refusal("unsupported_media_type", `A body is taken as ${takes} in UTF-8.`);
  if (Number(request.headers["content-length"] ?? 0) > kind.bytes) throw tooLarge(kind.bytes);

  const body = await collect(request, kind, world);
  if (!isUtf8(body)) throw new Refusal("malformed_request", "The body is not UTF-8.");
  return body.toString("utf8");
}

const endedEarly = () => new Refusal("malformed_request", "The body ended too early.");
const tooLarge = (bytes: number) => new Refusal("body_too_large", `The limit is ${bytes} bytes.`);

function collect(request: IncomingMessage, kind: { bytes: number; ms: number }, world: World): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const done = (refusal?: Refusal) => {
      callOff();
      request.off("data", onData).off("end", onEnd).off("close", onClose);
      if (refusal) reject(refusal);
      else resolve(Buffer.concat(chunks));
    };
    const onData = (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > kind.bytes) done(tooLarge(kind.bytes));
    };
    const onEnd = () => done();
    const onClose = () => done(endedEarly());
    const callOff = world.after(kind.ms, () => done(new Refusal("request_timeout")));
    request.on("data", onData).on("end", onEnd).on("close", onClose);
  });
}
