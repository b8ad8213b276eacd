import { ShopCluster } from "../cluster.ts";
import { stories } from "./stories.ts";

describe("the shop on one process, with SQLite", () => stories(() => ShopCluster.embedded()));
