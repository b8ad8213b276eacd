import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { madeOnce } from "./cache.ts";
import { accepts, type BreakableServer, breakable, external, freePort, newFolder, program, Running } from "./server.ts";

const JARS = ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=libs"] as const;

export function needKafka(): string {
  if (process.env.LONJA_TEST_KAFKA_URL) return process.env.LONJA_TEST_KAFKA_URL;
  program("Kafka", "apt-get install default-jre-headless maven", "mvn");
  return program("Kafka", "apt-get install default-jre-headless maven", "java");
}

/** Its jars, as a class path. */
export async function makeKafka(): Promise<string> {
  needKafka();
  return join(await madeOnce(join(import.meta.dirname, "kafka"), JARS), "libs", "*");
}

/** One Kafka node without ZooKeeper (KRaft), from the jars that its project publishes. */
export async function startKafka(): Promise<BreakableServer> {
  const there = external("LONJA_TEST_KAFKA_URL");
  if (there) return there;
  const java = needKafka();
  const jars = await makeKafka();
  const folder = await newFolder("kafka");
  const [port, controller] = [await freePort(), await freePort()];
  const settings = join(folder, "server.properties");
  await writeFile(
    settings,
    `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controller}
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}
advertised.listeners=PLAINTEXT://127.0.0.1:${port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=${join(folder, "data")}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
`,
  );
  const tool = ["-cp", jars, "kafka.tools.StorageTool", "format", "-t", "5L6g3nShT-eMCtK--X86sw", "-c", settings];
  execFileSync(java, tool, { stdio: "ignore" });
  const server = new Running(java, ["-Xmx512m", "-cp", jars, "kafka.Kafka", settings]);
  const start = () => server.start(() => accepts(port));
  await start();
  return breakable(`kafka://127.0.0.1:${port}`, server, start, folder);
}
