/** Makes, once, what some servers are made of, before tests begin that would have to wait for it. `npm test` runs it. */
import { makeKafka } from "./kafka.ts";
import { makeKustomize, makeSchema } from "./kubernetes.ts";
import { makeMongo } from "./mongo.ts";
import { MissingServer } from "./server.ts";

const failed = (error: Error) => {
  // Its tests say so themselves, or fail.
  if (!(error instanceof MissingServer)) process.stderr.write(`\n!!! ${error.message}\n`);
};
await Promise.all([makeMongo, makeKafka, makeKustomize, makeSchema].map((make) => make().catch(failed)));
