import { Client } from "./client.ts";

type Hold = typeof import("./description.ts")["holdToDescription"];
let hold: Promise<Hold> | undefined;

/** Every answer that a test gets is held to `/openapi.json`, whatever the test is about. Jest loads this before each file. */
Client.onReply = async (asked, reply) => {
  hold ??= import("./description.ts").then(({ holdToDescription }) => holdToDescription);
  (await hold)(asked, reply);
};
