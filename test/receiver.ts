import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What a receiver of webhooks was sent. */
export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** How it answers the request with this number, beginning with 1. */
export type Answering = (response: ServerResponse, received: Received, n: number) => unknown;

export const ok: Answering = (response) => response.writeHead(204).end();
export const status =
  (code: number, headers: Record<string, string> = {}): Answering =>
  (response) =>
    response.writeHead(code, headers).end();

export interface Certificate {
  key: string;
  cert: string;
}

/** A certificate for this name that nobody has signed but itself. */
export function certificateFor(name: string): Certificate {
  const folder = mkdtempSync(join(tmpdir(), "lonja-certificate-"));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const made = spawnSync("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
    ...["-keyout", key, "-out", cert, "-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`],
  ]);
  if (made.status !== 0) throw new Error(`no certificate: ${made.stderr}`);
  const certificate = { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  rmSync(folder, { recursive: true });
  return certificate;
}

export interface Receiver {
  received: Received[];
  /** From now on. */
  answer: Answering;
  port: number;
  /** As WEBHOOK_ALLOW names it. */
  place: string;
  url: string;
  /** Once it has been sent so many. */
  got(many: number): Promise<Received[]>;
  close(): Promise<void>;
}

/** A server that takes webhooks, on a port of its own. */
export async function openReceiver(answer: Answering = ok, certificate?: Certificate, port = 0): Promise<Receiver> {
  const waiting: { many: number; then: (received: Received[]) => void }[] = [];
  const handle: Parameters<typeof createServer>[1] = (request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part) => parts.push(part));
    request.on("error", () => {});
    request.on("end", () => {
      const { url: path = "", headers } = request;
      const one = { path, headers, body: Buffer.concat(parts).toString() };
      const n = receiver.received.push(one);
      for (const { many, then } of waiting) if (n >= many) then(receiver.received);
      receiver.answer(response, one, n);
    });
  };
  const server = certificate ? createTlsServer(certificate, handle) : createServer(handle);
  await new Promise<void>((done) => void server.listen(port, "127.0.0.1", done));
  const { port: own } = server.address() as { port: number };
  const receiver: Receiver = {
    received: [],
    answer,
    port: own,
    place: `127.0.0.1:${own}`,
    url: `http${certificate ? "s" : ""}://127.0.0.1:${own}/hook`,
    got: (many) =>
      receiver.received.length >= many
        ? Promise.resolve(receiver.received)
        : new Promise((then) => void waiting.push({ many, then })),
    async close() {
      const closed = new Promise<void>((done) => void server.close(() => done()));
      server.closeAllConnections();
      await closed;
    },
  };
  return receiver;
}
