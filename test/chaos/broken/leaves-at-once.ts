import { type IncomingMessage, Server } from "node:http";

/** Loaded before a gateway, this is one that is told to stop, and does so in the middle of the next order. */
if (process.env.SERVICES === "gateway") {
  let isTold = false;
  const emit = Server.prototype.emit as (event: string, ...heard: unknown[]) => boolean;
  Server.prototype.emit = function (this: Server, event: string, ...heard: unknown[]) {
    if (isTold && event === "request" && (heard[0] as IncomingMessage).method === "POST") process.exit(0);
    return emit.call(this, event, ...heard);
  };
  process.on("SIGTERM", () => {
    isTold = true;
  });
  const on = process.on as (event: string, listener: () => void) => typeof process;
  process.on = function (this: typeof process, event: string, listener: () => void) {
    return event === "SIGTERM" ? this : on.call(this, event, listener);
  } as typeof process.on;
}
